//! Container images from scratch: one static program, the machine's root certificates, an empty /tmp, and no user root.
//!
//! Built by buildah with a storage of its own that is thrown away; the result is an OCI archive in cargo's target folder,
//! named by a hash of everything that is in it. Not here: registries; clusters import the archive.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::output;
use crate::programs;
use crate::tools::{cached, hash};

const ROOT_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// An image to build.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its full name with the tag.
    name: String,
    /// The program it runs.
    program: PathBuf,
    /// What the program is called in the image, and what else it is called by.
    names: Vec<String>,
}

impl Image {
    /// An image of a static program, which becomes its entry point under its own name.
    pub fn of(name: &str, program: &Path) -> Result<Self> {
        let file = program.file_name().context("a program without a name")?.to_string_lossy().into_owned();
        Ok(Self { name: full_name(name), program: program.to_path_buf(), names: vec![file] })
    }

    /// The image of every pod's sandbox: it waits for signals and reaps children.
    pub fn pause() -> Result<Self> {
        Self::of(PAUSE, &compile_pause()?)
    }

    /// `BusyBox`, for stories that need a server or a client inside the cluster: `/bin/sh`, `httpd`, `wget`, `nslookup`.
    pub fn busybox() -> Result<Self> {
        crate::tools::packages(&["busybox-static"])?;
        let mut image = Self::of(BUSYBOX, Path::new("/bin/busybox"))?;
        image.names.extend(["bin/sh", "bin/httpd", "bin/wget", "bin/nslookup"].map(str::to_owned));
        Ok(image)
    }

    /// The name pods use.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The name of [`Image::pause`].
pub const PAUSE: &str = "picket-pause:dev";

/// The name of [`Image::busybox`].
pub const BUSYBOX: &str = "picket-busybox:dev";

/// Builds an image and returns its OCI archive.
pub fn build(image: &Image) -> Result<PathBuf> {
    let program = fs::read(&image.program).with_context(|| format!("reading {}", image.program.display()))?;
    let certificates = fs::read(ROOT_CERTIFICATES).unwrap_or_default();
    let recipe = format!("{} {:?} {}", image.name, image.names, containerfile(image));
    let folder = programs::target_folder().join("images");
    fs::create_dir_all(&folder)?;
    let stem = image.name.rsplit('/').next().unwrap_or_default().replace(':', "-");
    let archive = folder.join(format!("{stem}-{}.tar", hash(&[recipe.as_bytes(), &program, &certificates])));
    if !archive.exists() {
        let work = tempfile::tempdir_in(&folder)?;
        fill(&work.path().join("root"), image, &certificates)?;
        fs::write(work.path().join("Containerfile"), containerfile(image))?;
        build_archive(work.path(), &image.name, &work.path().join("image.tar"))?;
        remove_older(&folder, &stem)?;
        fs::rename(work.path().join("image.tar"), &archive)?;
    }
    Ok(archive)
}

/// Every build of a program makes another archive; only the last one is of use.
fn remove_older(folder: &Path, stem: &str) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|it| it == "tar") && name.rsplit_once('-').is_some_and(|(it, _)| it == stem) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// What containerd calls an image that a pod names without a registry.
fn full_name(name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { format!("docker.io/library/{name}") }
}

fn containerfile(image: &Image) -> String {
    let program = image.names.first().map_or("", String::as_str);
    format!("FROM scratch\nCOPY root /\nUSER 65532:65532\nENTRYPOINT [\"/{program}\"]\n")
}

fn fill(root: &Path, image: &Image, certificates: &[u8]) -> Result<()> {
    fs::create_dir_all(root.join("etc/ssl/certs"))?;
    fs::create_dir_all(root.join("tmp"))?;
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    fs::write(root.join("etc/ssl/certs/ca-certificates.crt"), certificates)?;
    let (program, links) = image.names.split_first().context("an image without a program")?;
    fs::copy(&image.program, root.join(program))?;
    fs::set_permissions(root.join(program), fs::Permissions::from_mode(0o755))?;
    for link in links {
        let link = root.join(link);
        fs::create_dir_all(link.parent().unwrap_or(root))?;
        std::os::unix::fs::symlink(format!("/{program}"), link)?;
    }
    Ok(())
}

fn build_archive(work: &Path, name: &str, archive: &Path) -> Result<()> {
    let buildah = || {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(work.join("storage")).arg("--runroot").arg(work.join("run"));
        command.args(["--storage-driver", "vfs"]);
        command
    };
    let mut bud = buildah();
    bud.args(["bud", "--quiet", "--isolation", "chroot", "--timestamp", "0", "--tag", name]).arg(work);
    output(&mut bud).with_context(|| format!("building the image {name}"))?;
    let destination = format!("oci-archive:{}:{name}", archive.display());
    output(buildah().args(["push", "--quiet", name, &destination])).with_context(|| format!("saving {name}"))?;
    Ok(())
}

fn compile_pause() -> Result<PathBuf> {
    let source = include_str!("pause.c");
    let folder = cached("pause", &[source.as_bytes()], |folder| {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("pause.c"), source)?;
        let mut compiler = Command::new("musl-gcc");
        compiler.args(["-static", "-Os", "-s", "-o"]).arg(folder.join("pause")).arg(folder.join("pause.c"));
        output(&mut compiler)?;
        Ok(())
    })?;
    Ok(folder.join("pause"))
}
