//! A picture of somebody made of their name, where they have no other.

/// Colours that the style sheet has.
const HUES: u32 = 8;

/// Letters and a colour, the same for a name everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initials {
    pub text: String,
    pub hue: u32,
}

impl Initials {
    /// Of a name or an email: the first letters of its first and last word, or the last two of a Chinese name, as people there
    /// are called.
    pub fn of(name: &str) -> Initials {
        let hue = name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % HUES;
        let plain = name.split('@').next().unwrap_or_default();
        let words: Vec<&str> = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let first = |word: &&str| word.chars().next();
        let letters: Vec<char> = match words.as_slice() {
            [one] if one.chars().all(|c| ('\u{3400}'..='\u{9fff}').contains(&c)) => {
                let all: Vec<char> = one.chars().collect();
                all[all.len().saturating_sub(2)..].to_vec()
            }
            [] => Vec::new(),
            [one] => one.chars().take(1).collect(),
            [one, .., last] => first(one).into_iter().chain(first(last)).collect(),
        };
        let text: String = letters.into_iter().flat_map(char::to_uppercase).collect();
        Initials { text: if text.is_empty() { "?".to_owned() } else { text }, hue }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_kinds_have_initials() {
        let of = |name: &str| Initials::of(name).text;
        assert_eq!(
            (of("Ada Lovelace").as_str(), of("ada").as_str(), of("ada.king@example.com").as_str()),
            ("AL", "A", "AK")
        );
        assert_eq!((of("王小明").as_str(), of("张三").as_str(), of("—").as_str()), ("小明", "张三", "?"));
        assert_eq!(Initials::of("Ada"), Initials::of("Ada"));
        assert!(Initials::of("Grace Hopper").hue < HUES);
    }
}
