//! The names in a frame without what compilers, bundlers and deployments put into them.
//!
//! A name that is made anew with every build or run (`Cart$$Lambda$14`, `main.3f2a1b9c.js`, `/releases/20240229/`) would make a
//! bug a new one each time.

use std::sync::LazyLock;

use super::{
    super::{
        function_name,
        words::{Lazy, Words},
    },
    family::Family,
};

/// A module or class without generated parts.
pub fn module(name: &str, family: Family) -> String {
    match family {
        Family::Java => java_class(name),
        Family::DotNet => dotnet_class(name),
        Family::JavaScript => file(name),
        _ => name.to_owned(),
    }
}

/// `Cart$$EnhancerBySpringCGLIB$$1ebd` → `Cart`; `Cart$$Lambda$14/0x08` → `Cart`; `core$_main$fn__1539` → `core$_main$fn`
fn java_class(name: &str) -> String {
    static GENERATED: Lazy = LazyLock::new(|| {
        Words::new(&[
            "$$EnhancerBy",
            "$$FastClassBy",
            "$$Lambda",
            "$$SpringCGLIB",
            "_$$_javassist",
            "_$$_jvst",
            "$HibernateProxy",
            "$ByteBuddy",
            "$MockitoMock",
            "$$anonfun",
            "$Proxy$_$$",
            "_$$_Weld",
            "$$inlined$",
            "$auxiliary$",
        ])
    });
    let name = name.split('/').next().unwrap_or_default();
    let end = GENERATED.start(name).unwrap_or(name.len());
    let name = &name[..end];
    // A trailing number counts anonymous classes; that of one inside of a method shifts with every edit of it.
    let is_in_method =
        name.matches('$').count() > 1 && name.rsplit('$').nth(1).is_some_and(|own| own.starts_with(char::is_lowercase));
    let name =
        if is_in_method { name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('$') } else { name };
    without_numbers_after(name, &["__", "$Proxy", "Accessor", "Script", "closure", "eval"])
}

/// `Shop.Cart+<Total>d__5` → `Shop.Cart`: the method is in the function's name too, see [`function`].
fn dotnet_class(name: &str) -> String {
    let name = name.split(", ").next().unwrap_or_default();
    let end = name.find("+<").unwrap_or(name.len());
    let name = name[..end].split('`').next().unwrap_or_default();
    name.to_owned()
}

/// A function without generated parts; none where it has no name of its own.
pub fn function(name: &str, module: &str, family: Family) -> Option<String> {
    let name = name.trim();
    let cleaned = match family {
        Family::JavaScript => return js_function(name),
        Family::Java => java_function(name),
        Family::DotNet => dotnet_function(name, module),
        Family::Php => php_function(name),
        Family::Ruby => ruby_function(name),
        Family::Go => go_function(name),
        Family::Native => native_function(name),
        Family::Dart => name.replace("<fn>", "<anonymous closure>"),
        Family::Python | Family::Other => without_addresses(name),
    };
    (!cleaned.is_empty()).then_some(cleaned)
}

fn js_function(name: &str) -> Option<String> {
    let name = name.split(" [as ").next().unwrap_or_default();
    let name = name.strip_prefix("async ").unwrap_or(name);
    let name = name.strip_prefix("new ").unwrap_or(name);
    // Firefox writes an inner function as `outer/inner<`.
    let name = name.trim_end_matches(['/', '<']);
    let last = name.rsplit(['.', '/']).next().unwrap_or_default();
    let unnamed = [
        "?",
        "",
        "anonymous",
        "<anonymous>",
        "<anonymous",
        "<anonymous function>",
        "Anonymous function",
        "eval",
        "<computed>",
        "global code",
    ];
    if unnamed.contains(&last) { None } else { Some(last.to_owned()) }
}

fn java_function(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("lambda$") {
        let own = rest.rsplit_once('$').map_or(rest, |(own, _)| own);
        return format!("lambda${own}");
    }
    let name = name.strip_prefix("access$").map_or(name, |_| "access$");
    let name = name.split("$suspendImpl").next().unwrap_or_default();
    if name.contains("$anonfun") || name.contains("$lambda") {
        return name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '$' || c == '-').to_owned();
    }
    name.to_owned()
}

/// `MoveNext` of `Cart+<Total>d__5` → `Total`; `<Total>b__0` → `Total lambda`
fn dotnet_function(name: &str, module: &str) -> String {
    let inside = |text: &str| {
        let (_, rest) = text.rsplit_once('<').filter(|(_, rest)| rest.contains('>'))?;
        rest.split('>').next().filter(|own| !own.is_empty()).map(str::to_owned)
    };
    if name == "MoveNext" {
        return inside(module).unwrap_or_else(|| name.to_owned());
    }
    if name.starts_with('<') {
        return inside(name).map_or_else(|| name.to_owned(), |own| format!("{own} lambda"));
    }
    name.split(['(', '`']).next().unwrap_or_default().to_owned()
}

fn php_function(name: &str) -> String {
    let anonymous = name.find("class@anonymous").map(|at| at + "class@anonymous".len());
    let name = match anonymous {
        Some(end) => {
            let method = name[end..].find("::").map_or("", |at| &name[end + at..]);
            format!("{}{method}", &name[..end])
        }
        None => name.to_owned(),
    };
    // PHP 8.4 writes where a closure was made: `{closure:Shop\Cart::total():12}`.
    match (name.find("{closure"), name.rfind('}')) {
        (Some(open), Some(close)) if close > open => format!("{}{{closure}}{}", &name[..open], &name[close + 1..]),
        _ => name,
    }
}

/// Ruby 3.4 writes the class too, `Cart#total`; templates are compiled into functions with numbers at their ends.
fn ruby_function(name: &str) -> String {
    let (prefix, own) = name.rsplit_once(" in ").map_or(("", name), |(prefix, own)| (prefix, own));
    let own = own.rsplit(['#']).next().unwrap_or_default();
    let own = without_numbers_after(own, &["_", "__"]);
    let prefix = if prefix.is_empty() { "" } else { "block in " };
    format!("{prefix}{own}")
}

/// `(*Cart[...]).Total.func1.2` → `(*Cart).Total.func`
fn go_function(name: &str) -> String {
    let generic = name.find('[').and_then(|open| Some((open, open + name[open..].find(']')?)));
    let name =
        generic.map_or_else(|| name.to_owned(), |(open, close)| format!("{}{}", &name[..open], &name[close + 1..]));
    let own = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let is_closure = [".func", ".gowrap", ".deferwrap"].iter().any(|end| own.ends_with(end));
    if is_closure { own.to_owned() } else { name }
}

fn native_function(name: &str) -> String {
    let name = name.split(" [clone").next().unwrap_or_default();
    let name = name.split("_block_invoke").next().unwrap_or_default();
    // Blocks of Objective-C carry the length of their method's name: `__32-[Cart total:]`.
    let name = name.trim_start_matches("__").trim_start_matches(|c: char| c.is_ascii_digit());
    let name = swift_function(name);
    let name = function_name::native(&name);
    // Rust's hash of the function's type, and the suffixes of GCC and LLVM.
    let name = match name.rsplit_once("::h") {
        Some((own, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => own,
        _ => &name,
    };
    let end = [".cold", ".isra.", ".constprop.", ".part.", ".llvm.", ".lto_priv"]
        .iter()
        .filter_map(|mark| name.find(mark))
        .min();
    without_numbers_after(&name[..end.unwrap_or(name.len())], &["$_", "lambda", "#", "'lambda"])
}

/// `closure #1 in Cart.total()` and `(2) suspend resume partial function for Cart.total()` are parts of `Cart.total()`.
fn swift_function(name: &str) -> String {
    const PARTS: [&str; 6] = [" in ", "resume partial function for ", "@objc ", "specialized ", "merged ", "static "];
    let is_part = name.starts_with("closure #")
        || name.contains("partial function for ")
        || name.starts_with('@')
        || name.starts_with("specialized ");
    let own =
        if is_part { PARTS.iter().fold(name, |name, part| name.rsplit(part).next().unwrap_or(name)) } else { name };
    if name.starts_with("closure #") { format!("closure:{own}") } else { own.to_owned() }
}

fn without_addresses(name: &str) -> String {
    match name.split_once("0x") {
        Some((own, _)) if !own.is_empty() => own.trim_end().to_owned(),
        _ => name.to_owned(),
    }
}

/// Drops the digits that follow any of the marks.
fn without_numbers_after(name: &str, marks: &[&str]) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        let is_counted = c.is_ascii_digit() && marks.iter().any(|mark| out.ends_with(mark));
        if !is_counted {
            out.push(c);
        }
    }
    out
}

/// A file without origin, query, machine, deployment and build.
pub fn file(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = without_origin(&path);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path =
        after_last(path, &["site-packages/", "dist-packages/", "node_modules/", "/gems/", "/pkg/mod/", "lib/python"]);
    let mut parts: Vec<String> = Vec::new();
    let mut previous = "";
    for part in path.split('/').filter(|part| !matches!(*part, "" | "." | ".." | "~")) {
        match previous {
            // Whose machine it was built on does not matter.
            "home" | "Users" | "users" if path.starts_with('/') || path.get(1..2) == Some(":") => {}
            "releases" | "deployments" | "revisions" => {}
            _ => parts.extend(segment(part)),
        }
        previous = part;
    }
    parts.join("/")
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
    // Vite's and esbuild's hashes are eight letters of both cases and digits.
    let both_cases = word.bytes().any(|b| b.is_ascii_lowercase()) && word.bytes().any(|b| b.is_ascii_uppercase());
    let flips =
        word.as_bytes().windows(2).filter(|pair| pair[0].is_ascii_lowercase() != pair[1].is_ascii_lowercase()).count();
    let is_random = word.len() >= 8
        && all(u8::is_ascii_alphanumeric)
        && ((digits > 0 && both_cases && flips >= 3) || (digits >= 2 && word.len() <= 10 && flips >= 3));
    let is_upper_hash =
        word.len() == 8 && digits > 0 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    is_number || is_hash || is_random || is_upper_hash
}
