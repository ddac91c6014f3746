//! Which of two releases is the newer one: by version where both are semantic versions of one package, else by when they
//! were created.

use std::cmp::Ordering;

use super::Release;

/// `shop@1.2.3-rc.1+7`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version<'a> {
    pub package: &'a str,
    /// Major, minor, patch, revision; what is not written is 0.
    pub numbers: [i64; 4],
    /// `rc.1`; empty for a final version.
    pub pre: &'a str,
}

impl<'a> Version<'a> {
    /// Reads a release's name; none where it is no version, as with commit hashes and dates.
    pub fn parse(name: &'a str) -> Option<Version<'a>> {
        let (package, version) = name.rsplit_once('@').unwrap_or(("", name));
        let version = version.split_once('+').map_or(version, |(version, _build)| version);
        let (numbers, pre) = version.split_once('-').unwrap_or((version, ""));
        let numbers = numbers.strip_prefix('v').unwrap_or(numbers);
        let mut all = [0; 4];
        let mut parts = 0;
        for part in numbers.split('.') {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *all.get_mut(parts)? = part.parse().ok().filter(|_| is_number)?;
            parts += 1;
        }
        // A lone number is a build or a date.
        (parts >= 2).then_some(Version { package, numbers: all, pre })
    }
}

/// The order of semantic versions: a pre-release comes before its release, and its parts count as numbers where they are.
pub fn by_version(a: &Version<'_>, b: &Version<'_>) -> Ordering {
    let pre = || match (a.pre.is_empty(), b.pre.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => by_parts(a.pre, b.pre),
    };
    a.numbers.cmp(&b.numbers).then_with(pre)
}

fn by_parts(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The order of two releases of a project. Only one and the same are equal.
pub fn order(a: &Release, b: &Release) -> Ordering {
    if a.version == b.version {
        return Ordering::Equal;
    }
    let by_creation = || a.created_at.cmp(&b.created_at).then_with(|| a.version.cmp(&b.version));
    match (Version::parse(&a.version), Version::parse(&b.version)) {
        (Some(x), Some(y)) if x.package == y.package => by_version(&x, &y).then_with(by_creation),
        _ => by_creation(),
    }
}

/// The newest of a project's releases, given the latest first: of semantic versions the highest of the package that was
/// released last, else the last one.
pub fn newest(latest_first: Vec<Release>) -> Option<Release> {
    let package = |release: &Release| Version::parse(&release.version).map(|version| version.package.to_owned());
    let current = package(latest_first.first()?);
    match current {
        None => latest_first.into_iter().next(),
        current => latest_first.into_iter().filter(|release| package(release) == current).max_by(order),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn release(version: &str, created: i64) -> Release {
        Release { version: version.into(), created_at: DateTime::from_timestamp(created, 0).unwrap() }
    }

    #[test]
    fn versions_of_one_package_are_ordered_by_number_whenever_they_were_created() {
        let ascending = [
            "shop@0.9",
            "shop@1.0.0-alpha",
            "shop@1.0.0-alpha.2",
            "shop@1.0.0-alpha.10",
            "shop@1.0.0-rc",
            "shop@1.0.0",
            "shop@1.0.0.1",
            "shop@1.2",
            "shop@1.10.0+build.7",
            "shop@2.0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(order(&release(pair[0], 9), &release(pair[1], 1)), Ordering::Less, "{pair:?}");
            assert_eq!(order(&release(pair[1], 1), &release(pair[0], 9)), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn a_patch_of_an_old_version_is_not_the_newest_release() {
        let latest_first = vec![release("shop@1.9.1", 3), release("cart@7.0", 2), release("shop@2.0", 1)];
        assert_eq!(newest(latest_first).unwrap().version, "shop@2.0");
        assert_eq!(newest(vec![release("f00ba4", 2), release("shop@2.0", 1)]).unwrap().version, "f00ba4");
        assert_eq!(newest(Vec::new()), None);
    }

    #[test]
    fn everything_else_is_ordered_by_creation() {
        for (older, newer) in
            [("shop@2.0", "cart@1.0"), ("f00ba4", "0a1b2c"), ("shop@9.0", "f00ba4"), ("20260101", "7")]
        {
            assert_eq!(order(&release(older, 1), &release(newer, 2)), Ordering::Less, "{older} {newer}");
        }
        assert_eq!(order(&release("1.0", 1), &release("1.0", 2)), Ordering::Equal);
    }
}
