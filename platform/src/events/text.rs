//! The stack traces of an event as text, as the language itself would print them: to be read, searched and pasted. Pure.

use std::fmt::Write;

use crate::protocol::{
    event::{Event, Exception},
    stacktrace::{Frame, Stacktrace},
};

/// The text of all exceptions.
pub fn trace(event: &Event) -> String {
    let is_python = event.platform == "python";
    let of_thread = || event.main_thread().and_then(|thread| thread.stacktrace.as_ref());
    let bare = event.stacktrace.as_ref().or_else(of_thread);
    let mut text = String::new();
    // Python prints causes first, everybody else what was raised last.
    let exceptions: Vec<&Exception> =
        if is_python { event.exceptions.iter().collect() } else { event.exceptions.iter().rev().collect() };
    let has_trace = exceptions.iter().any(|exception| exception.stacktrace.is_some());
    let last = if is_python { exceptions.len().saturating_sub(1) } else { 0 };
    for (nth, exception) in exceptions.iter().enumerate() {
        if nth > 0 {
            text.push_str(if is_python {
                "\nDuring handling of the above exception, another exception occurred:\n\n"
            } else {
                "Caused by: "
            });
        }
        let trace = exception.stacktrace.as_ref().or(bare.filter(|_| !has_trace && nth == last));
        if is_python { python(&mut text, exception, trace) } else { other(&mut text, exception, trace) }
    }
    if exceptions.is_empty() {
        if let Some(message) = &event.message {
            text.push_str(message);
            text.push('\n');
        }
        if let Some(trace) = bare {
            frames(&mut text, trace, is_python);
        }
    }
    text
}

fn title(exception: &Exception) -> String {
    let parts = [exception.kind.as_deref(), exception.value.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
}

fn python(text: &mut String, exception: &Exception, trace: Option<&Stacktrace>) {
    if let Some(trace) = trace {
        text.push_str("Traceback (most recent call last):\n");
        frames(text, trace, true);
    }
    text.push_str(&title(exception));
    text.push('\n');
}

fn other(text: &mut String, exception: &Exception, trace: Option<&Stacktrace>) {
    text.push_str(&title(exception));
    text.push('\n');
    if let Some(trace) = trace {
        frames(text, trace, false);
    }
}

fn frames(text: &mut String, trace: &Stacktrace, is_python: bool) {
    if is_python {
        trace.frames.iter().for_each(|frame| python_frame(text, frame));
    } else {
        trace.frames.iter().rev().for_each(|frame| other_frame(text, frame));
    }
}

// Writing to a String cannot fail.
fn python_frame(text: &mut String, frame: &Frame) {
    let file = frame.filename.as_deref().unwrap_or_else(|| frame.place());
    let _ = write!(text, "  File \"{file}\"");
    if let Some(line) = frame.lineno {
        let _ = write!(text, ", line {line}");
    }
    let _ = writeln!(text, ", in {}", frame.function.as_deref().unwrap_or("?"));
    if let Some(code) = &frame.context_line {
        let _ = writeln!(text, "    {}", code.trim());
    }
}

fn other_frame(text: &mut String, frame: &Frame) {
    let file = frame.filename.as_deref().unwrap_or_else(|| frame.place());
    let function = match (&frame.module, &frame.function) {
        (Some(module), Some(function)) if !function.starts_with(module.as_str()) => format!("{module}.{function}"),
        (_, function) => function.clone().unwrap_or_else(|| "?".into()),
    };
    let _ = write!(text, "    at {function} ({file}");
    for number in [frame.lineno, frame.colno].into_iter().flatten() {
        let _ = write!(text, ":{number}");
    }
    text.push_str(")\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        trace(&Event::parse(json.as_bytes()).expect("it is an event"))
    }

    const CHAIN: &str = r#"{"values": [
        {"type": "KeyError", "value": "'sku'", "stacktrace": {"frames": [{"filename": "a.py", "function": "find", "lineno": 3, "context_line": "  return stock[sku]"}]}},
        {"type": "Gone", "value": "umbrella", "stacktrace": {"frames": [
            {"filename": "main.py", "function": "main", "lineno": 9}, {"filename": "cart.py", "module": "shop", "function": "add", "lineno": 7, "colno": 2}
        ]}}]}"#;

    #[test]
    fn a_trace_reads_as_python_prints_it() {
        let text = of(&format!(r#"{{"platform": "python", "exception": {CHAIN}}}"#));
        let expected = "Traceback (most recent call last):\n  File \"a.py\", line 3, in find\n    return stock[sku]\nKeyError: 'sku'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"main.py\", line 9, in main\n  File \"cart.py\", line 7, in add\nGone: umbrella\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn elsewhere_what_was_raised_last_comes_first() {
        let text = of(&format!(r#"{{"platform": "java", "exception": {CHAIN}}}"#));
        let expected = "Gone: umbrella\n    at shop.add (cart.py:7:2)\n    at main (main.py:9)\nCaused by: KeyError: 'sku'\n    at find (a.py:3)\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_message_is_itself() {
        assert_eq!(of(r#"{"message": "stock is low"}"#), "stock is low\n");
    }
}
