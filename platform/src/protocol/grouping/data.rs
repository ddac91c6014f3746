//! What a message quotes of somebody's data: values in JSON and SQL, paths with spaces, names after words such as `user`.
//!
//! Most of what stands in quotes is the program's own (`column 'total'`) and tells bugs apart; it stays. Here goes what a text
//! shows to be data, before the text is cut into words.

use std::borrow::Cow;

use super::{objects, things, wording};

/// Words before a quotation that is data.
const BEFORE: [&str; 46] = [
    "search for",
    "searching for",
    "searched for",
    "titled",
    "subject",
    "nickname",
    "display name",
    "folder",
    "attachment",
    "upload",
    "voucher",
    "branch",
    "device",
    "phrase",
    "unexpected token at",
    "text",
    "user",
    "username",
    "customer",
    "account",
    "member",
    "tenant",
    "client",
    "order",
    "product",
    "sku",
    "coupon",
    "item",
    "entry",
    "value",
    "email",
    "address",
    "city",
    "session",
    "token",
    "login",
    "password",
    "phone",
    "10:",
    "string:",
    "float:",
    "parsing",
    "input",
    "date",
    "time data",
    "id",
];
/// The same before Chinese quotation marks.
const BEFORE_CHINESE: [&str; 16] = [
    "用户",
    "用户名",
    "客户",
    "会员",
    "账号",
    "账户",
    "商品",
    "订单",
    "门店",
    "商户",
    "租户",
    "设备",
    "姓名",
    "昵称",
    "手机号",
    "文件",
];
/// What a statement of SQL begins with.
const STATEMENTS: [&str; 4] = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];
/// The text without quoted data.
pub fn without_data(text: &str) -> Cow<'_, str> {
    let mut text = match wording::common(text) {
        Cow::Borrowed(text) => objects::without_values(text),
        Cow::Owned(text) => Cow::Owned(objects::without_values(&text).into_owned()),
    };
    // Ruby's and MySQL's opening quote.
    if text.contains('`') {
        text = Cow::Owned(text.replace('`', "'"));
    }
    if text.contains(['"', '\'']) {
        text = Cow::Owned(without_quoted_data(&text));
    }
    if let Some(told) = things::without_phones(&text) {
        text = Cow::Owned(told);
    }
    if let Some(told) = without_browser(&text).or_else(|| without_key_value(&text)) {
        text = Cow::Owned(told);
    }
    if text.is_ascii() { text } else { Cow::Owned(apart(&without_chinese_names(&text))) }
}

/// What a browser calls itself is a sentence of its own: `Mozilla/5.0 (X11; Linux x86_64) … Safari/537.36`.
fn without_browser(text: &str) -> Option<String> {
    let at = text.find("Mozilla/")?;
    let end = text[at..].find(['"', '\'', '\n', '|']).map_or(text.len(), |end| at + end);
    Some(format!("{}<browser>{}", &text[..at], &text[end..]))
}

/// SQL Server shows the row that it refuses in brackets: `The duplicate key value is (anna, 17).`
fn without_key_value(text: &str) -> Option<String> {
    const MARK: &str = "key value is (";
    let at = text.find(MARK)? + MARK.len();
    let end = text[at..].find(')').map_or(text.len(), |end| at + end);
    Some(format!("{}<str>{}", &text[..at], &text[end..]))
}

fn without_quoted_data(text: &str) -> String {
    let is_sql = STATEMENTS.iter().any(|start| text.contains(start));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['"', '\'']) {
        let quote = &rest[open..=open];
        let is_apostrophe = quote == "'" && rest[..open].ends_with(char::is_alphanumeric);
        let close = rest[open + 1..].find(quote).filter(|_| !is_apostrophe);
        let Some(length) = close else {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        let (before, quoted, after) = (&rest[..open], &rest[open + 1..open + 1 + length], &rest[open + 2 + length..]);
        out.push_str(before);
        let is_sql_value = is_sql && quote == "'" && out.trim_end().ends_with(['=', '(', ',', 'E', 'N', '>', '<']);
        let shown = if is_sql_value || is_named_data(&out, quoted) {
            "<str>"
        } else if quoted.contains(' ') && is_spaced_path(quoted) {
            "<path>"
        } else {
            quoted
        };
        out.push_str(quote);
        // A sentence in quotes quotes in its turn.
        if shown == quoted && quote == "\"" && quoted.contains('\'') {
            out.push_str(&without_quoted_data(quoted));
        } else {
            out.push_str(shown);
        }
        out.push_str(quote);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether the word before a quotation says that it is somebody's: `user 'anna'`. What looks like code stays.
fn is_named_data(before: &str, quoted: &str) -> bool {
    let before = before.trim_end_matches([' ', ':', '=']);
    let last = before.rsplit(' ').next().unwrap_or_default();
    if matches!(last, "directory" | "denied" | "filename") {
        return !quoted.is_empty();
    }
    // `invalid input syntax for type uuid: "x"`, ``cannot unmarshal !!str `x` into int``
    let is_of_type = before[..before.len() - last.len()].ends_with("for type ") || last.starts_with("!!");
    let is_word = |known: &&str| {
        let known = known.trim_end_matches(':');
        let at = before.len().checked_sub(known.len());
        let end = at.and_then(|at| before.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(known));
        end && at.is_some_and(|at| at == 0 || before.as_bytes()[at - 1] == b' ')
    };
    let is_code =
        quoted.contains(['(', '.']) && !quoted.contains('@') && !quoted.starts_with(|c: char| c.is_ascii_digit());
    // MySQL's `'shop'@'10.0.0.7'`.
    let is_host = before.ends_with("'@");
    let is_sign = !quoted.is_empty() && !quoted.contains(char::is_alphanumeric);
    is_of_type || is_host || (!is_code && !is_sign && BEFORE.iter().any(is_word))
}

/// Keys outside of quotes whose values are somebody's, `user=anna`.
pub fn is_of_somebody(key: &str) -> bool {
    const KEYS: [&str; 24] = [
        "user",
        "username",
        "user_name",
        "customer",
        "account",
        "tenant",
        "member",
        "email",
        "host",
        "hostname",
        "pod",
        "node",
        "instance",
        "container",
        "server",
        "ip",
        "client",
        "session",
        "token",
        "login",
        "owner",
        "device",
        "request_id",
        "trace_id",
    ];
    KEYS.iter().any(|known| key.eq_ignore_ascii_case(known))
}

/// `用户“李雷”` without whose name it is.
fn without_chinese_names(text: &str) -> Cow<'_, str> {
    const QUOTES: [(char, char); 4] = [('“', '”'), ('「', '」'), ('『', '』'), ('【', '】')];
    let mut text = Cow::Borrowed(text);
    for (open, close) in QUOTES {
        let mut from = 0;
        while let Some(start) = text[from..].find(open).map(|at| from + at + open.len_utf8()) {
            let before = text[..start - open.len_utf8()].trim_end_matches([' ', ':', '：']);
            from = start;
            let Some(length) = text[start..].find(close) else { break };
            if BEFORE_CHINESE.iter().any(|word| before.ends_with(word)) {
                text.to_mut().replace_range(start..start + length, "<str>");
            }
        }
    }
    text
}

fn is_spaced_path(quoted: &str) -> bool {
    let is_windows = quoted.get(1..3).is_some_and(|root| root == ":\\" || root == ":/");
    let is_unix = quoted.starts_with('/') && quoted.matches('/').count() >= 2 && !quoted.contains(" /");
    is_windows || is_unix || quoted.starts_with("\\\\")
}

/// Writes spaces between a script without spaces and the letters and numbers in it, so that these become words.
fn apart(text: &str) -> String {
    let is_dense = |c: char| matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{ff00}'..='\u{ffef}');
    let mut out = String::with_capacity(text.len() + 16);
    let mut last = ' ';
    // `/data/张三.xlsx` is one word.
    let mut names_file = false;
    for c in text.chars() {
        // Full-width digits and letters are the ordinary ones, wider.
        let c = match c {
            '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => {
                char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c)
            }
            c => c,
        };
        let (dense, was_dense) = (is_dense(c), is_dense(last));
        if dense != was_dense && !c.is_whitespace() && !last.is_whitespace() {
            names_file = if dense { matches!(last, '/' | '\\') } else { names_file && c.is_ascii_punctuation() };
            if !names_file {
                out.push(' ');
            }
        }
        out.push(c);
        last = c;
    }
    out
}
