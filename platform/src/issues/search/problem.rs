//! What is wrong with a query: where, and in words what to do about it.

use std::ops::Range;

use crate::ui::Language;

/// A query nobody can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: Kind,
    /// In bytes.
    pub span: Range<usize>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    UnclosedQuote,
    StrayQuote,
    UnclosedGroup,
    StrayClose,
    EmptyGroup,
    NegatedGroup,
    NothingBefore(&'static str),
    NothingAfter(&'static str),
    NoValue(String),
    /// Whether it is there is not the question.
    AlwaysThere(String),
    UnclosedList,
    EmptyInList,
    NoComma,
    NoList(String),
    NoGlob(String),
    NotOneOf(String, &'static [&'static str]),
    NotDate(String),
    NotNumber(String),
    NotBoolean(String),
    NotVersion(String),
    NotIssue(String),
    NotEvent(String),
    TooLong(usize),
    TooMany(usize),
    TooDeep(usize),
    /// Among an issue's events only what is indexed of each can be looked for.
    NotOfEvents(String),
}

impl Problem {
    pub(super) fn new(kind: Kind, span: Range<usize>) -> Problem {
        Problem { kind, span }
    }

    /// The range in characters, for whoever marks it in the query.
    pub fn characters(&self, query: &str) -> Range<usize> {
        let at = |byte: usize| query.get(..byte).map_or_else(|| query.chars().count(), |before| before.chars().count());
        at(self.span.start)..at(self.span.end)
    }

    /// The problem in a sentence.
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.kind.english(),
            Language::Chinese => self.kind.chinese(),
        }
    }
}

impl Kind {
    fn english(&self) -> String {
        match self {
            Kind::UnclosedQuote => {
                "This quote is never closed. Add a \" at the end, or write \\\" for the character itself.".into()
            }
            Kind::StrayQuote => {
                "A quote stands in the middle of a value. Put the whole value in quotes, or write \\\".".into()
            }
            Kind::UnclosedGroup => "This parenthesis is never closed. Add a ), or put the text in quotes.".into(),
            Kind::StrayClose => "This parenthesis closes nothing. Remove it, or put the text in quotes.".into(),
            Kind::EmptyGroup => {
                "There is nothing between these parentheses. Remove them, or put a condition inside.".into()
            }
            Kind::NegatedGroup => "A group cannot be negated. Put the ! before each condition inside it.".into(),
            Kind::NothingBefore(word) => {
                format!("Nothing stands before {word}. Put a condition there, or write \"{word}\" for the word itself.")
            }
            Kind::NothingAfter(word) => {
                format!("Nothing stands after {word}. Put a condition there, or write \"{word}\" for the word itself.")
            }
            Kind::NoValue(key) => format!("{key}: needs a value right after the colon, without a space."),
            Kind::AlwaysThere(key) => format!("Every issue has this. Ask for a value instead, as in {key}:…"),
            Kind::UnclosedList => "This list is never closed. Add a ] at the end.".into(),
            Kind::EmptyInList => "A value of this list is missing. Remove the comma, or put a value there.".into(),
            Kind::NoComma => "Values of a list are separated by commas; put a value with spaces in quotes.".into(),
            Kind::NoList(key) => format!("{key}: takes one value, not a list. Combine several with OR."),
            Kind::NoGlob(key) => format!("{key}: takes no *. Write out the value."),
            Kind::NotOneOf(value, choices) => {
                format!("\"{value}\" is not possible here. Choose one of {}.", choices.join(", "))
            }
            Kind::NotDate(value) => format!(
                "\"{value}\" is not a time. Write -24h for the last day, +7d for longer ago than a week (m, h, d, w), or a date as in >=2026-03-01 or <2026-03-01T12:30:00."
            ),
            Kind::NotNumber(value) => format!("\"{value}\" is not a number. Write 100, >100, <=5k (k, m, b)."),
            Kind::NotBoolean(value) => format!("\"{value}\" is neither true nor false."),
            Kind::NotVersion(value) => format!("\"{value}\" is not a version. Write 1.2.3, >=1.2 or <2.0.0-rc.1."),
            Kind::NotIssue(value) => format!("\"{value}\" is not an issue's name. Write it as SHOP-7."),
            Kind::NotEvent(value) => format!("\"{value}\" is not an event's id, which has 32 hexadecimal digits."),
            Kind::TooLong(most) => format!("This query is too long. {most} characters are possible."),
            Kind::TooMany(most) => format!("This query has too many conditions. {most} are possible."),
            Kind::TooDeep(most) => format!("Parentheses are nested too deeply. {most} levels are possible."),
            Kind::NotOfEvents(key) => format!(
                "\"{key}\" cannot be looked for among the events of an issue. Look for tags, users, levels, releases, times \
                 or an event's id."
            ),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Kind::UnclosedQuote => "引号没有闭合。请在末尾加上 \"，或用 \\\" 表示引号本身。".into(),
            Kind::StrayQuote => "值的中间出现了引号。请用引号括住整个值，或写成 \\\"。".into(),
            Kind::UnclosedGroup => "括号没有闭合。请加上 )，或用引号括住文字。".into(),
            Kind::StrayClose => "多余的右括号。请删除它，或用引号括住文字。".into(),
            Kind::EmptyGroup => "括号里没有内容。请删除括号，或在里面写一个条件。".into(),
            Kind::NegatedGroup => "不能对整组取反。请在组内每个条件前加 !。".into(),
            Kind::NothingBefore(word) => format!("{word} 前面缺少条件。请补上条件，或用 \"{word}\" 表示这个词本身。"),
            Kind::NothingAfter(word) => format!("{word} 后面缺少条件。请补上条件，或用 \"{word}\" 表示这个词本身。"),
            Kind::NoValue(key) => format!("{key}: 的冒号后面需要紧跟一个值，中间不能有空格。"),
            Kind::AlwaysThere(key) => format!("每个问题都有这一项。请改为指定一个值，例如 {key}:…"),
            Kind::UnclosedList => "列表没有闭合。请在末尾加上 ]。".into(),
            Kind::EmptyInList => "列表中缺少一个值。请删除逗号，或补上值。".into(),
            Kind::NoComma => "列表中的值用逗号分隔；含空格的值请加引号。".into(),
            Kind::NoList(key) => format!("{key}: 只能有一个值，不能是列表。请用 OR 组合多个条件。"),
            Kind::NoGlob(key) => format!("{key}: 不能使用 *。请写出完整的值。"),
            Kind::NotOneOf(value, choices) => format!("这里不能写 \"{value}\"。请选择：{}。", choices.join("、")),
            Kind::NotDate(value) => format!(
                "\"{value}\" 不是时间。请写 -24h（最近一天）、+7d（一周以前；单位 m、h、d、w），或日期，如 >=2026-03-01、<2026-03-01T12:30:00。"
            ),
            Kind::NotNumber(value) => format!("\"{value}\" 不是数字。请写 100、>100 或 <=5k（k、m、b）。"),
            Kind::NotBoolean(value) => format!("\"{value}\" 既不是 true 也不是 false。"),
            Kind::NotVersion(value) => format!("\"{value}\" 不是版本号。请写 1.2.3、>=1.2 或 <2.0.0-rc.1。"),
            Kind::NotIssue(value) => format!("\"{value}\" 不是问题编号。请写成 SHOP-7 的形式。"),
            Kind::NotEvent(value) => format!("\"{value}\" 不是事件编号；事件编号是 32 位十六进制数。"),
            Kind::TooLong(most) => format!("查询太长，最多 {most} 个字符。"),
            Kind::TooMany(most) => format!("查询的条件太多，最多 {most} 个。"),
            Kind::TooDeep(most) => format!("括号嵌套太深，最多 {most} 层。"),
            Kind::NotOfEvents(key) => {
                format!("不能在问题的事件中查找 \"{key}\"。可以查找标签、用户、级别、版本、时间或事件编号。")
            }
        }
    }
}
