//! The names in a frame without what compilers, bundlers and deployments put into them.
//!
//! A name that is made anew with every build or run (`Cart$$Lambda$14`, `main.3f2a1b9c.js`, `/releases/20240229/`) would make a
//! bug a new one each time.

use std::{borrow::Cow, sync::LazyLock};

use super::{
    super::{
        function_name,
        words::{Lazy, Words},
    },
    family::Family,
    files,
};

/// An exception's type: Node wrote the error's code behind it, `TypeError [ERR_INVALID_ARG_TYPE]`, and does no more.
///
/// Runtimes that have one type for all their errors say in the text which one it is.
pub fn exception<'a>(kind: &'a str, value: &str) -> Cow<'a, str> {
    const SAID: [&str; 14] = [
        "index out of bounds",
        "index out of range",
        "slice bounds out of range",
        "Index out of range",
        "Option::unwrap()",
        "Result::unwrap()",
        "attempt to divide by zero",
        "integer divide by zero",
        "with overflow",
        "invalid memory address or nil pointer dereference",
        "nil map",
        "already borrowed",
        "already mutably borrowed",
        "unwrapping an Optional value",
    ];
    if (kind, value) == ("InternalError", "too much recursion") {
        return Cow::Borrowed("RangeError");
    }
    if matches!(kind, "panic" | "Fatal error" | "runtime.errorString" | "runtime.Error" | "*runtime.Error")
        && let Some(said) = SAID.iter().find(|said| value.contains(**said))
    {
        return Cow::Owned(format!("{kind}: {said}"));
    }
    Cow::Borrowed(kind.split_once(" [ERR_").map_or(kind, |(own, _)| own))
}

/// A module or class without generated parts.
pub fn module(name: &str, family: Family) -> String {
    match family {
        Family::Java => java_class(name),
        Family::DotNet => dotnet_class(name),
        Family::JavaScript => files::file(name),
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
            "$Definition$Intercepted",
            "_ClientProxy",
            "_Subclass",
            "$AjcClosure",
        ])
    });
    // `java.base/java.util.ArrayList` names a module, `Cart$$Lambda/0x08` an address.
    let name = match name.rsplit_once('/') {
        Some((own, address)) if address.starts_with(|c: char| c.is_ascii_digit()) => own,
        Some((_, own)) => own,
        None => name,
    };
    let end = GENERATED.start(name).unwrap_or(name.len());
    let unprefixed = name[..end].replace(".$", ".");
    let name = if name[end..].starts_with("$Definition") { unprefixed.as_str() } else { &name[..end] };
    let name = without_counted(name);
    without_numbers_after(&name, &["__", "$Proxy", "Accessor", "Script", "closure", "eval"])
}

/// A number counts anonymous classes: that of one of a class is its name (`Cart$1`), those inside of a method or of another one
/// shift with every edit (`Cart$onCreate$1`, `CartKt$Cart$1$2`).
fn without_counted(name: &str) -> Cow<'_, str> {
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut inner = name.split('$').skip(1);
    let is_in_method = inner.clone().any(|part| part.starts_with(char::is_lowercase));
    if !is_in_method && inner.by_ref().filter(is_number).count() < 2 {
        return Cow::Borrowed(name);
    }
    let kept: Vec<&str> = name.split('$').filter(|part| !is_number(part)).collect();
    Cow::Owned(kept.join("$"))
}

/// `Shop.Cart+<Total>d__5` → `Shop.Cart`: the method is in the function's name too, see [`function`].
fn dotnet_class(name: &str) -> String {
    let name = name.split(", ").next().unwrap_or_default();
    let end = name.find("+<").unwrap_or(name.len());
    let name = name[..end].split('`').next().unwrap_or_default();
    name.to_owned()
}

/// `example.com/shop/v2/cart` → `example.com/shop/cart`: the major version of a module is part of its path.
pub fn go_package(name: &str) -> String {
    let is_version = |part: &&str| {
        part.strip_prefix('v').is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    if !name.contains("/v") {
        return name.to_owned();
    }
    name.split('/').filter(|part| !is_version(part)).collect::<Vec<_>>().join("/")
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
        Family::Python => without_addresses(name),
        // Erlang counts the functions in a function: `-total/1-fun-0-`.
        Family::Other => without_numbers_after(&without_addresses(name), &["-fun-"]),
    };
    (!cleaned.is_empty()).then_some(cleaned)
}

fn js_function(name: &str) -> Option<String> {
    let name = name.split(" [as ").next().unwrap_or_default();
    let name = name.strip_prefix("async ").unwrap_or(name);
    let name = name.strip_prefix("new ").unwrap_or(name);
    // Firefox writes an inner function as `outer/inner<`.
    let name = name.trim_end_matches(['/', '<']);
    let name = name.split(" (").next().unwrap_or_default();
    let last = name.rsplit(['.', '/']).next().unwrap_or_default();
    // `value` is what Babel calls every method of a class, `_callee$` every asynchronous function.
    if last.starts_with("_callee") {
        return None;
    }
    let unnamed = [
        "value",
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
    // `lambda$total$0`, and with its class as Android writes it: `lambda$total$0$com-acme-Cart`.
    if let Some(rest) = name.strip_prefix("lambda$") {
        let is_number = |part: &&str| part.starts_with(|c: char| c.is_ascii_digit());
        let own: Vec<&str> = rest.split('$').take_while(|part| !is_number(part)).collect();
        return format!("lambda${}", own.join("$"));
    }
    let of_proxy = name.strip_prefix("CGLIB$").and_then(|rest| rest.rsplit_once('$'));
    let name = of_proxy.map_or(name, |(own, _)| own);
    let end = COMPILED.start(name).unwrap_or(name.len());
    let name = if end > 0 { &name[..end] } else { name };
    if name.contains("$anonfun") || name.contains("$lambda") {
        return name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '$' || c == '-').to_owned();
    }
    name.to_owned()
}

/// What compilers add to the name of a method that they split or call for it.
static COMPILED: Lazy = LazyLock::new(|| {
    Words::new(&["$suspendImpl", "$default", "$adapted", "$$superforward", "$$superaccessor", "_aroundBody"])
});

/// The class and the method of a suspended function of Kotlin: `Feed$load$1` and `invokeSuspend` are `Feed` and `load`.
pub fn suspended<'a>(module: &'a str, function: &str) -> Option<(&'a str, &'a str)> {
    if function != "invokeSuspend" {
        return None;
    }
    let (package, classes) = module.rsplit_once('.').unwrap_or(("", module));
    let start = if package.is_empty() { 0 } else { package.len() + 1 };
    let mut at = start;
    for part in classes.split('$') {
        if at > start && part.starts_with(char::is_lowercase) {
            return Some((&module[..at - 1], part));
        }
        at += part.len() + 1;
    }
    None
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
    // SDKs write the state machine of an asynchronous method as its function: `<LoadAsync>d__3.MoveNext`.
    if let Some((method, _)) = name.strip_prefix('<').and_then(|rest| rest.split_once(">d__")) {
        return method.to_owned();
    }
    // A local function: `<Load>g__Parse|4_0`.
    if let Some((method, local)) = name.strip_prefix('<').and_then(|rest| rest.split_once(">g__")) {
        return format!("{method}.{}", local.split('|').next().unwrap_or_default());
    }
    if name.starts_with("lambda_method") {
        return "lambda_method".to_owned();
    }
    // IL2CPP adds a hash: `Cart_Total_m1A2B…`.
    if let Some((own, hash)) = name.rsplit_once("_m")
        && hash.len() >= 32
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return own.to_owned();
    }
    if name.starts_with('<') {
        return inside(name).map_or_else(|| name.to_owned(), |own| format!("{own} lambda"));
    }
    name.split(['(', '`', '[']).next().unwrap_or_default().trim().to_owned()
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
    // SDKs write the namespace, the class, both or neither before it.
    if name.contains("{closure") {
        return "{closure}".to_owned();
    }
    let name = name.split_once("__CG__\\").map_or(name.as_str(), |(_, own)| own);
    let name = without_hashes(name);
    match name.split_once("__TwigTemplate_") {
        Some((_, rest)) => format!("template{}", rest.find("::").map_or("", |at| &rest[at..])),
        None => name.to_owned(),
    }
}

/// Smarty ends the function of a template in a hash and a number: `content_65e1f2a3b4c5d6_12345678`.
fn without_hashes(name: &str) -> &str {
    let is_hash = |part: &str| {
        part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit()) && part.bytes().any(|b| b.is_ascii_digit())
    };
    let mut name = name;
    while let Some((own, _)) = name.rsplit_once('_').filter(|(own, end)| !own.is_empty() && is_hash(end)) {
        name = own;
    }
    name
}

/// Ruby 3.4 writes the class too, `Cart#total`; templates are compiled into functions with numbers at their ends.
fn ruby_function(name: &str) -> String {
    let (prefix, own) = name.rsplit_once(" in ").map_or(("", name), |(prefix, own)| (prefix, own));
    let own = own.rsplit(['#', '.']).next().unwrap_or_default();
    let own = if own.starts_with("_app_") {
        own.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_').to_owned()
    } else {
        without_numbers_after(own, &["_", "__"])
    };
    let prefix = if prefix.is_empty() { "" } else { "block in " };
    format!("{prefix}{own}")
}

/// `(*Cart[...]).Total.func1.2` → `(*Cart).Total.func`
fn go_function(name: &str) -> String {
    let generic = name.find('[').and_then(|open| Some((open, open + name[open..].find(']')?)));
    let name =
        generic.map_or_else(|| name.to_owned(), |(open, close)| format!("{}{}", &name[..open], &name[close + 1..]));
    // `-fm` is a method that was passed as a value.
    let wrapped = [".gowrap", ".deferwrap", "-fm"].iter().find_map(|mark| name.find(mark));
    let name = wrapped.map_or(name.clone(), |at| name[..at].to_owned());
    let own = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let is_closure = own.rsplit('.').next() == Some("func");
    if is_closure { own.to_owned() } else { name }
}

fn native_function(name: &str) -> String {
    let name = name.split(" [clone").next().unwrap_or_default();
    let name = name.split("_block_invoke").next().unwrap_or_default();
    // Blocks of Objective-C carry the length of their method's name: `__32-[Cart total:]`.
    let name = name.trim_start_matches("__").trim_start_matches(|c: char| c.is_ascii_digit());
    let name = swift_function(name);
    let labels = swift_labels(&name);
    let name = closures(&name.replace("[abi:cxx11]", ""));
    let name = function_name::native(&name) + &labels;
    // Rust's hash of the function's type, and the suffixes of GCC and LLVM.
    let name = match name.rsplit_once("::h") {
        Some((own, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => own,
        _ => &name,
    };
    let end = [".cold", ".isra.", ".constprop.", ".part.", ".llvm.", ".lto_priv"]
        .iter()
        .filter_map(|mark| name.find(mark))
        .min();
    without_numbers_after(&name[..end.unwrap_or(name.len())], &["#"])
}

/// `$_0`, `{lambda(int)#2}`, `'lambda'(int)`, `<lambda_1f2e>` and `{closure#0}`: every compiler has its own word, and counts.
fn closures(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((at, open)) = CLOSURES.iter().filter_map(|open| rest.find(open).map(|at| (at, *open))).min() {
        let after = &rest[at + open.len()..];
        let end = match open {
            "$_" => after.find(|c: char| !c.is_ascii_digit()),
            "{lambda" | "{closure#" => after.find('}').map(|end| end + 1),
            "<lambda_" => after.find('>').map(|end| end + 1),
            _ => after.find('\'').map(|end| end + 1),
        };
        out.push_str(&rest[..at]);
        out.push_str("{{closure}}");
        rest = &after[end.unwrap_or(after.len())..];
    }
    out.push_str(rest);
    // How deep a closure lies in others is the business of macros.
    while let Some(at) = out.find("{{closure}}::{{closure}}") {
        out.replace_range(at..at + "{{closure}}::".len(), "");
    }
    out
}

const CLOSURES: [&str; 5] = ["$_", "{lambda", "{closure#", "<lambda_", "'lambda"];

/// The labels of a Swift function's arguments are part of its name: `total(with:)`. Other languages write none.
fn swift_labels(name: &str) -> String {
    let Some((_, arguments)) = name.split_once('(').filter(|(own, _)| !own.is_empty()) else { return String::new() };
    let mut labels = String::new();
    for argument in arguments.split([',', ')']) {
        let words = argument.split_inclusive(':').filter(|part| part.len() > 1 && part.ends_with(':'));
        let label = |text: &str| {
            let text = text.trim().trim_end_matches(':');
            text.chars().all(|c| c.is_alphanumeric() || c == '_') && !text.is_empty()
        };
        if argument.contains("::") {
            return String::new();
        }
        words.filter(|word| label(word)).for_each(|word| labels.push_str(word.trim()));
    }
    if labels.is_empty() { labels } else { format!("({labels})") }
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
