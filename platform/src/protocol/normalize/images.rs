//! Debug images: what was loaded in the process, and where its symbols are found.
//!
//! Ids are written in one form, addresses in hexadecimal; images of kinds that nobody can use are taken out. Apple's old kind
//! becomes the one there is now.

use serde_json::Value;
use uuid::Uuid;

use super::{
    super::json::Object,
    notes::{Notes, Path},
};

/// Kinds whose images are files with addresses.
const NATIVE: &[&str] = &["macho", "elf", "pe", "pe_dotnet", "symbolic", "wasm"];
const OTHERS: &[&str] = &["sourcemap", "jvm", "proguard"];
const RENAMED: [(&str, &str); 2] = [("name", "code_file"), ("id", "debug_id")];

/// Normalises the images of an event.
pub fn normalize(event: &mut Object, notes: &mut Notes) {
    let root = Path::root();
    let at = root.key("debug_meta");
    let Some(meta) = event.get_mut("debug_meta").filter(|meta| !meta.is_null()) else { return };
    let Some(meta) = meta.as_object_mut() else {
        *meta = notes.invalid(&at, meta.take(), "expected debugmeta");
        return;
    };
    if let Some(info) = meta.get_mut("sdk_info").filter(|info| !info.is_object() && !info.is_null()) {
        *info = notes.invalid(&at.key("sdk_info"), info.take(), "expected systemsdkinfo");
    }
    let list = at.key("images");
    let images = match meta.get_mut("images") {
        Some(Value::Array(images)) => images,
        Some(other) if !other.is_null() => {
            *other = notes.invalid(&list, other.take(), "expected an array");
            return;
        }
        _ => return,
    };
    for (index, image) in images.iter_mut().enumerate() {
        let index = index.to_string();
        let at = list.key(&index);
        match image {
            Value::Null => {}
            Value::Object(object) => {
                if !normalize_image(object, &at, notes) {
                    object.shift_remove("type");
                    *image = notes.invalid(&at, image.take(), "unsupported debug image type");
                }
            }
            other => *other = notes.invalid(&at, other.take(), "expected an object"),
        }
    }
}

/// Whether it is of a kind that is kept.
fn normalize_image(image: &mut Object, at: &Path<'_>, notes: &mut Notes) -> bool {
    let kind = image.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind == "apple" {
        image.insert("type".into(), "macho".into());
        image.shift_remove("cpu_type");
        image.shift_remove("cpu_subtype");
        if let Some(id) = image.shift_remove("uuid") {
            image.entry("debug_id").or_insert(id);
        }
    } else if !NATIVE.contains(&kind.as_str()) && !OTHERS.contains(&kind.as_str()) {
        return false;
    }
    if kind == "proguard" {
        id(image, "uuid", at, notes);
        return true;
    }
    for (old, new) in RENAMED {
        if let Some(value) = image.shift_remove(old) {
            image.entry(new).or_insert(value);
        }
    }
    id(image, "debug_id", at, notes);
    if let Some(Value::String(code)) = image.get_mut("code_id") {
        *code = code.trim().to_lowercase();
    }
    for name in ["image_addr", "image_vmaddr"] {
        if let Some(value) = image.get_mut(name) {
            address(value, &at.key(name), notes);
        }
    }
    if let Some(size) = image.get_mut("image_size").filter(|size| !size.is_u64() && !size.is_null()) {
        *size = notes.invalid(&at.key("image_size"), size.take(), "expected an unsigned integer");
    }
    true
}

fn id(image: &mut Object, name: &str, at: &Path<'_>, notes: &mut Notes) {
    let Some(value) = image.get_mut(name).filter(|value| !value.is_null()) else { return };
    *value = match value.as_str().and_then(debug_id) {
        Some(id) => id.into(),
        None => notes.invalid(&at.key(name), value.take(), "invalid debug identifier"),
    };
}

/// A UUID, with or without hyphens, and the age of it that Windows counts.
fn debug_id(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = if text.as_bytes().get(8) == Some(&b'-') { 36 } else { 32 };
    let (own, age) = text.split_at_checked(digits)?;
    let uuid = Uuid::try_parse(own).ok()?;
    let age = age.strip_prefix('-').unwrap_or(age);
    let age = if age.is_empty() { 0 } else { u32::from_str_radix(age, 16).ok()? };
    Some(if age == 0 { uuid.to_string() } else { format!("{uuid}-{age:x}") })
}

/// Writes an address in hexadecimal, whether it came as a number or as text.
pub fn address(value: &mut Value, at: &Path<'_>, notes: &mut Notes) {
    let read = match &*value {
        Value::Null => return,
        Value::Number(number) => number.as_u64(),
        Value::String(text) => match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
        _ => None,
    };
    *value = match read {
        Some(address) => format!("{address:#x}").into(),
        None => notes.invalid(at, value.take(), "expected an address"),
    };
}
