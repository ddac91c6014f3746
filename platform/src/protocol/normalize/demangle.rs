//! Names of native functions as linkers know them, made readable: C++ (Itanium's mangling) and both manglings of Rust.
//!
//! What people call the function is its name, cut down as all native names are; what was sent stays in `raw_function`. Swift
//! needs its compiler to be read, so its mangled names stay as they are.

use std::fmt;

use cpp_demangle::{DemangleOptions, Symbol};
use serde_json::Value;

use super::super::{function_name, json::Object};

const NATIVE: [&str; 4] = ["native", "c", "objc", "cocoa"];
/// Names are short; longer ones only cost time.
const LONGEST: usize = 4_096;
/// A few characters of a mangled name may stand for very many.
const LONGEST_WRITTEN: usize = 16_384;

/// Demangles the functions of an event's native frames. Comes before names are cut to their lengths.
pub fn normalize(event: &mut Object) {
    let is_native = is_native(event.get("platform"));
    frames(event, is_native);
    for name in ["exception", "threads"] {
        let list = match event.get_mut(name) {
            Some(Value::Object(object)) => object.get_mut("values"),
            other => other,
        };
        for owner in list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
            frames(owner, is_native);
        }
    }
}

fn is_native(platform: Option<&Value>) -> bool {
    platform.and_then(Value::as_str).is_some_and(|platform| NATIVE.contains(&platform))
}

fn frames(owner: &mut Object, is_native_event: bool) {
    let frames = owner.get_mut("stacktrace").and_then(|trace| trace.get_mut("frames")).and_then(Value::as_array_mut);
    for frame in frames.into_iter().flatten().filter_map(Value::as_object_mut) {
        let platform = frame.get("platform").filter(|platform| !platform.is_null());
        let is_native = if platform.is_some() { is_native(platform) } else { is_native_event };
        let mangled = frame.get("function").and_then(Value::as_str).filter(|_| is_native);
        if let Some((name, mangled)) = mangled.and_then(|mangled| Some((demangle(mangled)?, mangled.to_owned()))) {
            frame.insert("function".into(), function_name::native(&name).into());
            if frame.get("raw_function").is_none_or(Value::is_null) {
                frame.insert("raw_function".into(), mangled.into());
            }
        }
    }
}

/// The name that was mangled; none where it was not.
fn demangle(mangled: &str) -> Option<String> {
    let is_mangled = ["_Z", "__Z", "___Z", "_R", "__R"].iter().any(|start| mangled.starts_with(start));
    if !is_mangled || mangled.len() > LONGEST {
        return None;
    }
    let mut name = Bounded(String::new());
    if let Ok(rust) = rustc_demangle::try_demangle(mangled) {
        fmt::write(&mut name, format_args!("{rust:#}")).ok()?;
    } else {
        // What a compiler appends to a part of a function (`.cold`, `.llvm.4711`) is no part of its name.
        let own = mangled.split('.').next().unwrap_or(mangled);
        Symbol::new(own).ok()?.structured_demangle(&mut name, &DemangleOptions::new()).ok()?;
    }
    Some(name.0).filter(|name| !name.is_empty())
}

struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > LONGEST_WRITTEN {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mangled_names_are_read_and_kept() {
        let cases = [
            ("_ZN4shop4Cart3addERKNS_4ItemE", "shop::Cart::add"),
            ("__ZN4shop4Cart3addEi", "shop::Cart::add"),
            ("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<T>::push_back"),
            ("_ZN12_GLOBAL__N_15crashEv.cold", "`anonymous namespace'::crash"),
            ("_ZN4core9panicking5panic17h0123456789abcdefE", "core::panicking::panic"),
            ("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"),
        ];
        for (mangled, expected) in cases {
            let mut event = json!({"platform": "native", "exception": {"values": [
                {"stacktrace": {"frames": [{"function": mangled}]}}, {"stacktrace": null},
            ]}});
            normalize(event.as_object_mut().unwrap());
            let frame = &event["exception"]["values"][0]["stacktrace"]["frames"][0];
            assert_eq!((&frame["function"], &frame["raw_function"]), (&expected.into(), &mangled.into()));
            let again = event.clone();
            normalize(event.as_object_mut().unwrap());
            assert_eq!(event, again);
        }
    }

    #[test]
    fn what_only_looks_mangled_stays() {
        let bomb = format!("_Z1aI{}E", "1bIS_S_".repeat(500));
        for name in ["_Z", "_R", "_Zebra", "_Restore", "main", "$s4Shop4CartC3addyyF", "_ZN4shop", bomb.as_str()] {
            let mut event = json!({"platform": "native", "stacktrace": {"frames": [{"function": name}]}});
            normalize(event.as_object_mut().unwrap());
            assert_eq!(event["stacktrace"]["frames"], json!([{"function": name}]));
        }
        let mut python = json!({"platform": "python", "threads": [{"stacktrace": {"frames": [
            {"function": "_ZN4shop3runEv"}, {"function": "_ZN4shop3runEv", "platform": "native"},
        ]}}]});
        normalize(python.as_object_mut().unwrap());
        let frames = &python["threads"][0]["stacktrace"]["frames"];
        assert_eq!((&frames[0]["function"], &frames[1]["function"]), (&"_ZN4shop3runEv".into(), &"shop::run".into()));
    }
}
