//! What somebody wants a project to be, by the names of Sentry's API: forms of pages ask as the API's clients do.

use serde_json::{Map, Value};

use super::{
    Settings,
    options::{self, Known},
    wrong::Wrong,
};
use crate::projects::Changes;

/// Reads what is wanted into changes of what is there, or says everything that is wrong with it.
pub fn read(settings: Settings, wanted: &Map<String, Value>) -> Result<Changes, Vec<(String, Wrong)>> {
    let mut changes = Changes { settings, ..Changes::default() };
    let mut wrong = Vec::new();
    let nothing = Map::new();
    let options = wanted.get("options").and_then(Value::as_object).unwrap_or(&nothing);
    for (name, value) in wanted.iter().chain(options) {
        let taken = match name.as_str() {
            "name" => words(value).map(|name| changes.name = Some(name)),
            "slug" => words(value).map(|slug| changes.slug = Some(slug)),
            "platform" => words(value).map(|platform| changes.platform = Some(platform)),
            "allowedDomains" | "sentry:origins" => options::origins(value).map(|list| changes.origins = Some(list)),
            name => options::set(&mut changes.settings, name, value).map(|_: Known| ()),
        };
        if let Err(why) = taken {
            wrong.push((name.clone(), why));
        }
    }
    if wrong.is_empty() { Ok(changes) } else { Err(wrong) }
}

/// A text that says something.
pub fn words(value: &Value) -> Result<String, Wrong> {
    let text = value.as_str().map(str::trim).filter(|text| !text.is_empty() && !text.contains('\0'));
    text.map(str::to_owned).ok_or(Wrong::Blank)
}
