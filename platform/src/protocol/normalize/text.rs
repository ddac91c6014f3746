//! Fields that hold text: what else may stand for text, how long it may be and of which characters.

use serde_json::{Value, json};

use super::{
    super::json::{Object, canonical},
    notes::{Notes, Path},
};

/// Beyond it a float cannot be told from its neighbours, so it is no identifier.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// A field of an object.
#[derive(Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    shape: Shape,
    most: usize,
    slack: usize,
    /// Any, unless it says which.
    chars: Option<fn(char) -> bool>,
}

#[derive(Clone, Copy)]
enum Shape {
    Text,
    /// Numbers and booleans are text too.
    Lenient,
    /// What is no text is written as JSON.
    Json,
}

/// A field of text that may be `slack` longer than what is left of it when it is too long.
pub const fn field(name: &'static str, most: usize, slack: usize) -> Field {
    Field { name, shape: Shape::Text, most, slack, chars: None }
}

impl Field {
    /// Takes numbers and booleans.
    pub const fn lenient(self) -> Field {
        Field { shape: Shape::Lenient, ..self }
    }

    /// Takes anything.
    pub const fn json(self) -> Field {
        Field { shape: Shape::Json, ..self }
    }

    /// Takes these characters only.
    pub const fn only(self, chars: fn(char) -> bool) -> Field {
        Field { chars: Some(chars), ..self }
    }

    /// Whether a text stays as it is, as nearly all do.
    fn keeps(&self, text: &str) -> bool {
        self.chars.is_none() && text.len() <= self.most + self.slack && !text.contains('\0')
    }

    /// Reads one value; null where there is no text to keep.
    pub fn read(&self, value: Value, at: &Path<'_>, notes: &mut Notes) -> Value {
        let text = match (self.shape, value) {
            (_, Value::Null) => return Value::Null,
            (_, Value::String(text)) => text,
            (Shape::Text, value) => return notes.invalid(at, value, "expected a string"),
            (Shape::Lenient, value) => match lenient(&value) {
                Some(text) => text,
                None => return notes.invalid(at, value, "expected a primitive value"),
            },
            (Shape::Json, value) => canonical(&value),
        };
        let text = if text.contains('\0') { text.replace('\0', "") } else { text };
        if let Some(wrong) = self.chars.and_then(|is_valid| text.chars().find(|c| !is_valid(*c))) {
            return notes.invalid(at, text.into(), &format!("invalid character {wrong:?}"));
        }
        Value::String(cut(text, self.most, self.slack, at, notes))
    }
}

/// Reads the fields of an object.
pub fn fields(object: &mut Object, fields: &[Field], at: &Path<'_>, notes: &mut Notes) {
    // Hardly any object needs more than this look at what it holds.
    let is_kept = |(key, value): (&String, &Value)| {
        let field = fields.iter().find(|field| field.name == key);
        field.is_none_or(|field| value.as_str().is_some_and(|text| field.keeps(text)))
    };
    if object.iter().all(is_kept) {
        return;
    }
    for field in fields {
        let at = at.key(field.name);
        let Some(value) = object.get_mut(field.name) else { continue };
        *value = field.read(value.take(), &at, notes);
        if value.is_null() && !notes.has(&at) {
            object.shift_remove(field.name);
        }
    }
}

/// Text of a number or boolean, as Python writes them.
pub fn lenient(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("True".into()),
        Value::Bool(false) => Some("False".into()),
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64()?.trunc();
            (whole.abs() < MOST_EXACT).then(|| format!("{whole:.0}"))
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Cuts text that is too long, and says so.
pub fn cut(text: String, most: usize, slack: usize, at: &Path<'_>, notes: &mut Notes) -> String {
    if text.len() <= most + slack {
        return text;
    }
    let length = text.chars().count();
    if length <= most + slack {
        return text;
    }
    let kept: String = text.chars().take(most - 3).collect();
    notes.remark(at, &json!(["!limit", "s", most - 3, most]), Some(length));
    format!("{kept}...")
}
