//! Names of functions as compilers write them, cut down to what a person calls them.
//!
//! `void ns::Cart<int>::add(Item const&)` is `ns::Cart<T>::add`: no return type, arguments, template arguments or compiler's
//! suffix. Demangling is not done here: SDKs and symbol servers send names that are already readable.

/// The name every compiler's unnamed namespace gets.
const ANONYMOUS: &str = "`anonymous namespace'";

/// Cuts a native function's name down.
pub fn native(name: &str) -> String {
    let name = name.trim();
    // Objective-C's `-[Cart add:]` is readable as it is, and its brackets mean something else.
    if name.starts_with('[') || name.starts_with("-[") || name.starts_with("+[") {
        return name.to_owned();
    }
    let name = anonymous_namespace(name);
    let name = without_template_arguments(&name);
    let name = without_result(&name);
    let name = without_arguments(name);
    let short = without_return_type(name).trim();
    if short.is_empty() { name.to_owned() } else { short.to_owned() }
}

/// Gives the unnamed namespace one name: compilers write `(anonymous namespace)`, `?A0x1f` and `_GLOBAL__N_1`.
fn anonymous_namespace(name: &str) -> String {
    let name = name.replace("(anonymous namespace)", ANONYMOUS).replace("_GLOBAL__N_1", ANONYMOUS);
    let Some(at) = name.find("?A0x") else { return name };
    let digits = name[at + 4..].chars().take_while(char::is_ascii_hexdigit).count();
    format!("{}{ANONYMOUS}{}", &name[..at], &name[at + 4 + digits..])
}

/// `Map<K, V>::get` → `Map<T>::get`; `<Cart as Total>::sum` → `Cart::sum`.
fn without_template_arguments(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(open) = rest.find('<') {
        short.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let is_operator = short.trim_end_matches('<').ends_with("operator");
        let Some(close) = closing(after).filter(|_| !is_operator) else {
            short.push('<');
            rest = after;
            continue;
        };
        match after[..close].split_once(" as ") {
            Some((own, _)) if !short.ends_with(|c: char| c.is_alphanumeric() || c == ':') => {
                short.push_str(&without_template_arguments(own));
            }
            _ => short.push_str("<T>"),
        }
        rest = &after[close + 1..];
    }
    short.push_str(rest);
    short
}

/// Where the bracket that is already open closes. An arrow's `>` closes nothing.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if last != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
        last = c;
    }
    None
}

/// Swift writes the result after the arguments: `Cart.load() async throws -> Int`.
fn without_result(name: &str) -> &str {
    let mut name = name.split_once(" -> ").map_or(name, |(start, _)| start);
    let without =
        |name: &'_ str| [" rethrows", " throws", " async"].iter().find_map(|end| name.strip_suffix(end)).map(str::len);
    while let Some(length) = without(name) {
        name = &name[..length];
    }
    name
}

/// Cuts the last outermost parenthesis and what follows it, but not `operator()`.
fn without_arguments(name: &str) -> &str {
    let mut depth = 0;
    let mut start = None;
    for (at, c) in name.char_indices() {
        match c {
            '(' | '{' => {
                if c == '(' && depth == 0 && !name[..at].ends_with("operator") {
                    start = Some(at);
                }
                depth += 1;
            }
            ')' | '}' => depth -= 1,
            _ => {}
        }
    }
    match start {
        Some(at) if at > 0 => name[..at].trim_end(),
        _ => name,
    }
}

/// Keeps what follows the last space, spaces inside quotes and after `operator` aside.
fn without_return_type(name: &str) -> &str {
    let mut quoted = false;
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in name.char_indices() {
        match c {
            '`' => quoted = true,
            '\'' => quoted = false,
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            ' ' if !quoted && depth == 0 && !name[..at].ends_with("operator") => start = at + 1,
            _ => {}
        }
    }
    name[start..].trim_start_matches(['*', '&'])
}
