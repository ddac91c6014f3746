//! A file in a frame without what deployments and bundlers put into its path.

/// After these, a path names a library's file.
const LIBRARIES: &[&str] =
    &["site-packages/", "dist-packages/", "node_modules/", "/gems/", "/pkg/mod/", "lib/python", "app.asar/"];

/// A file without origin, query, machine, deployment and build: its name and what folder it is in.
pub fn file(path: &str) -> String {
    if is_page(evaluated(path)) {
        return "page".to_owned();
    }
    // What a build makes lies right there at times: `/srv/dist/users.js`.
    let mut parts = parts(path, |folder| matches!(folder, "dist" | "build" | "src" | "lib" | "app" | "bin"));
    // Where an application lies is another place on every machine: the file and its folder tell.
    let folder = parts.len().checked_sub(TOLD).and_then(|at| parts.get(at));
    let is_common = folder.is_some_and(|folder| is_common(folder)) || parts.last().is_some_and(|name| is_entry(name));
    let told = TOLD + usize::from(is_common);
    parts.split_off(parts.len().saturating_sub(told)).join("/")
}

/// The whole path of a file without origin, query, machine, deployment and build.
pub fn whole(path: &str) -> String {
    parts(path, |_| false).join("/")
}

/// The parts of a path; which folders are never the name of a deployment may be said.
fn parts(path: &str, is_own: fn(&str) -> bool) -> Vec<String> {
    let path = path.replace('\\', "/");
    let path = without_origin(evaluated(&path));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = after_last(path, LIBRARIES);
    let path = without_root(without_release(path), is_own);
    let mut parts: Vec<String> = Vec::new();
    let mut rest = path.split('/').filter(|part| !matches!(*part, "" | "." | ".." | "~")).peekable();
    while let Some(part) = rest.next() {
        // Caches spread files over folders named by the first letters of their hashes: `3f/3f1a2b.php`.
        let is_shard = part.len() == 2 && rest.peek().is_some_and(|next| next.starts_with(part) && next.len() > 8);
        if !is_shard {
            parts.extend(segment(part));
        }
    }
    parts
}

/// How many parts of a path say which file it is.
const TOLD: usize = 2;

/// Every part of a repository has a folder of this name: `packages/cart/src/api.ts`.
fn is_common(folder: &str) -> bool {
    matches!(folder, "src" | "lib" | "dist" | "app" | "build" | "source" | "internal" | "utils" | "components")
}

/// `index.js` is one of many: each folder has its own.
fn is_entry(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    matches!(stem, "index" | "__init__" | "mod" | "page" | "route" | "layout")
}

/// A script within a page has the page's address, which is another one for each article and language.
fn is_page(path: &str) -> bool {
    let Some((_, rest)) = path.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")) else {
        return false;
    };
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    path.split_once('/').is_none_or(|(_, path)| !path.rsplit('/').next().unwrap_or_default().contains('.'))
}

/// `src/cart.ts` is `src/cart` as a module, and `src/cart.js` once it is built; `node:net` was `net.js`.
pub fn without_script_ending(place: &str) -> String {
    const ENDS: [&str; 7] = [".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".vue"];
    let own = place.strip_prefix("node:").unwrap_or(place);
    ENDS.iter().find_map(|end| own.strip_suffix(end)).unwrap_or(own).to_owned()
}

/// `eval at run (rules.js:12:5), <anonymous>` happened in `rules.js`.
fn evaluated(path: &str) -> &str {
    let inner = path.strip_prefix("eval at ").and_then(|rest| rest.rsplit_once('(')?.1.split(')').next());
    inner.map_or(path, |inner| inner.trim_end_matches(|c: char| c.is_ascii_digit() || c == ':'))
}

/// What comes after the folder of one release: `/srv/shop/releases/20240229/app.py` → `app.py`
fn without_release(path: &str) -> &str {
    const FOLDERS: [&str; 3] = ["releases/", "deployments/", "revisions/"];
    let of_one = |folder: &&str| {
        let at = path.rfind(*folder).filter(|at| *at == 0 || path[..*at].ends_with('/'))?;
        path[at + folder.len()..].split_once('/').map(|(_, rest)| rest)
    };
    FOLDERS.iter().find_map(of_one).unwrap_or(path)
}

/// What comes after the folder that an application is put into: it is another one on every machine and platform.
fn without_root(path: &str, is_own: fn(&str) -> bool) -> &str {
    // How many folders below each of them are whose it is and what it is called there.
    const ROOTS: [(&str, usize); 15] = [
        ("/usr/src/app/", 0),
        ("/var/task/", 0),
        ("/workspace/", 0),
        ("/code/", 0),
        ("/app/", 0),
        ("/opt/render/project/src/", 0),
        ("/home/site/wwwroot/", 0),
        ("/home/travis/build/", 2),
        ("/home/runner/work/", 2),
        ("/home/", 2),
        ("/Users/", 2),
        ("/var/www/html/", 0),
        ("/var/www/", 1),
        ("/srv/", 1),
        ("/opt/", 1),
    ];
    let of_windows = path.get(1..3).filter(|colon| *colon == ":/").map_or(path, |_| &path[2..]);
    let Some((root, below)) = ROOTS.iter().find(|(root, _)| of_windows.starts_with(root)) else { return path };
    let mut rest = &of_windows[root.len()..];
    for _ in 0..*below {
        rest = rest.split_once('/').filter(|(folder, _)| !is_own(folder)).map_or(rest, |(_, rest)| rest);
    }
    rest
}

fn after_last<'a>(path: &'a str, marks: &[&str]) -> &'a str {
    marks
        .iter()
        .filter_map(|mark| path.rfind(mark).map(|at| &path[at + mark.len()..]))
        .min_by_key(|rest| rest.len())
        .unwrap_or(path)
}

fn without_origin(path: &str) -> &str {
    let path = path.strip_prefix("async ").unwrap_or(path).trim_start_matches('(');
    match path.split_once("://") {
        Some(("http" | "https" | "capacitor" | "ionic", rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        // `webpack://name/./src/a.js` names the bundle, `webpack:///./src/a.js` does not.
        Some(("webpack", rest)) => rest.find("/./").map_or(rest, |at| &rest[at..]),
        Some((_, rest)) => rest,
        None => path,
    }
}

/// One part of a path without hashes, dates, versions and counters; none if nothing else is in it.
fn segment(part: &str) -> Option<String> {
    if matches!(part, "index.android.bundle" | "index.ios.bundle" | "main.jsbundle") {
        return Some("bundle".into());
    }
    if let Some(stem) = part.strip_suffix(".mjs").or_else(|| part.strip_suffix(".cjs")) {
        return segment(&format!("{stem}.js"));
    }
    let bundled = part.rsplit_once('.').and_then(|(stem, end)| Some((without_bundler_hash(stem)?, end)));
    if let Some((stem, end)) = bundled {
        return segment(&format!("{stem}.{end}"));
    }
    let mut kept = String::with_capacity(part.len());
    let mut start = 0;
    let ends = part.char_indices().filter(|(_, c)| matches!(c, '.' | '-' | '_' | '@' | '~')).map(|(at, _)| at);
    for end in ends.chain([part.len()]) {
        let piece = &part[start..end];
        let is_first = start == 0;
        let word = if is_first { piece } else { &piece[1..] };
        if !is_generated(word) {
            kept.push_str(if kept.is_empty() { word } else { piece });
        }
        start = end;
    }
    (!kept.is_empty()).then_some(kept)
}

/// Vite and Rollup end a name in a dash and eight characters of base64, among which dashes may be too.
fn without_bundler_hash(stem: &str) -> Option<&str> {
    let (name, hash) = stem.split_at_checked(stem.len().checked_sub(8)?)?;
    let name = name.strip_suffix(['-', '.']).filter(|name| !name.is_empty())?;
    let has = |is: fn(u8) -> bool| hash.bytes().any(is);
    let is_base64 = hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let cases = hash.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_lowercase() != pair[1].is_ascii_lowercase());
    let is_random = has(|byte| byte.is_ascii_digit()) || hash[1..7].contains(['-', '_']) || cases.count() >= 5;
    let both_cases = has(|byte| byte.is_ascii_lowercase()) && has(|byte| byte.is_ascii_uppercase());
    (is_base64 && both_cases && is_random).then_some(name)
}

fn is_generated(word: &str) -> bool {
    let word = word.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(word);
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let all = |is: fn(&u8) -> bool| !word.is_empty() && word.bytes().all(|byte| is(&byte));
    let is_number = all(u8::is_ascii_digit);
    let is_hash = word.len() >= 6 && digits > 0 && all(u8::is_ascii_hexdigit);
    let is_hash = is_hash || (word.len() == 8 && all(|byte| matches!(byte, b'a'..=b'f')));
    // What a bundler made for older browsers: `main-es5.js`, `index-legacy.js`.
    let is_edition = matches!(word, "es5" | "legacy")
        || word.strip_prefix("es20").is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
    // Vite's and esbuild's hashes are eight letters of both cases and digits.
    let both_cases = word.bytes().any(|b| b.is_ascii_lowercase()) && word.bytes().any(|b| b.is_ascii_uppercase());
    let flips =
        word.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_lowercase() != pair[1].is_ascii_lowercase()).count();
    let is_random = word.len() >= 8
        && all(u8::is_ascii_alphanumeric)
        && ((digits > 0 && both_cases && flips >= 3) || (digits >= 2 && word.len() <= 10 && flips >= 3));
    let is_upper_hash =
        word.len() == 8 && digits > 0 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    is_number || is_hash || is_edition || is_random || is_upper_hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name_and_folder_wherever_it_lies() {
        for (path, known) in [
            ("/build/store/orders.go", "store/orders.go"),
            ("/home/anna/go/src/shop/store/orders.go", "store/orders.go"),
            ("/srv/dist/users.js", "dist/users.js"),
            ("/usr/src/app/dist/users.js", "dist/users.js"),
            ("packages/cart/src/api.ts", "cart/src/api.ts"),
            ("./src/pages/cart/index.tsx", "pages/cart/index.tsx"),
            ("https://shop.example/de/hats/17?utm=1", "page"),
            ("https://shop.example/js/app.js?v=2", "js/app.js"),
            ("app.py", "app.py"),
        ] {
            assert_eq!(file(path), known);
        }
        assert_eq!(whole("/build/store/deep/orders.go"), "build/store/deep/orders.go");
        assert_eq!(without_script_ending("src/cart.ts"), "src/cart");
    }
}
