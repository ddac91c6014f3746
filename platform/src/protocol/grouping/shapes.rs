//! What a word is by its shape: a number, an address, a time, a path.

/// `17`, `1.5`, `81%`, `1e9`
pub fn is_number(piece: &str) -> bool {
    let piece = piece.trim_end_matches('%');
    let (mantissa, exponent) = piece.split_once(['e', 'E']).unwrap_or((piece, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    !mantissa.is_empty() && mantissa.split('.').all(digits) && digits(exponent)
}

/// `1st`, `22nd`
pub fn is_ordinal(piece: &str) -> bool {
    let number = ["st", "nd", "rd", "th"].iter().find_map(|end| piece.strip_suffix(end));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `1e-9`, `1.5E+10`
pub fn is_scientific(word: &str) -> bool {
    let number = word.strip_prefix(['-', '+']).unwrap_or(word);
    number.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        is_number(mantissa) && !exponent.is_empty() && exponent.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// `1.0.0-rc.1`, `2.3.4+build5`
pub fn is_prerelease(word: &str) -> bool {
    let Some((version, suffix)) = word.split_once(['-', '+']) else { return false };
    let version = version.strip_prefix('v').unwrap_or(version);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    version.split('.').count() == 3 && is_number(version) && !suffix.is_empty() && suffix.chars().all(plain)
}

/// What vendors call their errors: `ORA-00942`, `CS0103`, `E11000`; `before` is what a text has right before the number.
pub fn is_code(piece: &str, before: &str) -> bool {
    const VENDORS: [&str; 16] = [
        "ORA", "PLS", "TNS", "CS", "TS", "MSB", "AADSTS", "NU", "BC", "LNK", "E", "DPY", "NJS", "WSA", "PG", "SQLCODE",
    ];
    let digits = piece.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let vendor = match &piece[..piece.len() - digits.len()] {
        "" => before.strip_suffix('-').unwrap_or_default(),
        vendor => vendor,
    };
    (3..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && VENDORS.contains(&vendor)
}

/// As long as what MD5, SHA-1 and SHA-256 give, and the ids of traces.
pub fn is_digest(piece: &str) -> bool {
    matches!(piece.len(), 32 | 40 | 64) && piece.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `YWJjZGVmZw==`
pub fn is_base64(word: &str) -> bool {
    let text = word.trim_end_matches('=');
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    text.len() < word.len() && word.len() >= 8 && word.len().is_multiple_of(4) && text.bytes().all(is_base64)
}

/// Random letters and digits, as of keys and session ids.
pub fn is_token(piece: &str) -> bool {
    let mut changes = 0;
    let mut last = None;
    let mixed = piece.as_bytes().windows(2).filter(|two| two[0].is_ascii_lowercase() != two[1].is_ascii_lowercase());
    let cases = mixed.count();
    for c in piece.chars() {
        if !c.is_ascii_alphanumeric() {
            return false;
        }
        let kind = c.is_ascii_digit();
        changes += u32::from(last.is_some_and(|last| last != kind));
        last = Some(kind);
    }
    // `FR7630006000011234567890189`
    let digits = piece.bytes().filter(u8::is_ascii_digit).count();
    let is_account = digits >= 8 && changes >= 1;
    let is_mixed = piece.len() >= 12 && changes >= 1 && cases >= 5;
    // No name starts with a digit and has letters and digits after it; `800x600` is a size.
    let starts_as_none = piece.len() >= 4 && changes >= 2 && piece.starts_with(|c: char| c.is_ascii_digit());
    (piece.len() >= 5 && changes >= 3)
        || (piece.len() >= 16 && changes >= 2)
        || is_mixed
        || is_account
        || (starts_as_none && !piece.contains('x'))
}

/// The random end of a name, `before` being its start: that of a Kubernetes pod (five consonants and digits) or of an id (`ch_aB3dE`).
pub fn is_suffix(piece: &str, before: &str) -> bool {
    let digits = piece.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = piece.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let has_vowel = piece.contains(['a', 'e', 'i', 'o', 'u', '0', '1', '3']);
    let after_hash = before.ends_with("<hex>-") || before.ends_with("<token>-") || before.ends_with("<int>-");
    let is_pod = piece.len() == 5
        && before.ends_with('-')
        && is_plain
        && if after_hash { digits > 0 || !has_vowel } else { digits > 0 && !has_vowel };
    let starts_as_none = piece.starts_with(|c: char| c.is_ascii_digit());
    let is_short_hex = matches!(piece.len(), 4 | 5)
        && before.ends_with('-')
        && starts_as_none
        && digits < piece.len()
        && piece.bytes().all(|byte| byte.is_ascii_hexdigit());
    let flips =
        piece.as_bytes().windows(2).filter(|two| two[0].is_ascii_lowercase() != two[1].is_ascii_lowercase()).count();
    let is_id = piece.len() >= 6 && before.ends_with(['_', '-']) && digits > 0 && flips >= 3;
    is_pod || is_short_hex || (is_id && piece.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// `db-0.pg.svc.cluster.local`, `api.shop.example:443`, `localhost:8080`, `redis:6379`
pub fn is_host(word: &str) -> bool {
    const ENDS: [&str; 21] = [
        "com",
        "org",
        "net",
        "local",
        "internal",
        "example",
        "test",
        "lan",
        "corp",
        "svc",
        "cn",
        "de",
        "eu",
        "io",
        "dev",
        "app",
        "cloud",
        "localdomain",
        "invalid",
        "uk",
        "consul",
    ];
    const FILES: [&str; 24] = [
        "py", "js", "ts", "rb", "php", "go", "rs", "java", "kt", "c", "cpp", "h", "cs", "ex", "exs", "pl", "pm", "mjs",
        "jsx", "tsx", "vue", "erb", "scala", "dart",
    ];
    const PORTS: [&str; 18] = [
        "80", "443", "1433", "1521", "2181", "3000", "3306", "4317", "5432", "5672", "6379", "8000", "8080", "8443",
        "9092", "9200", "11211", "27017",
    ];
    let (name, port) = word.split_once(':').map_or((word, None), |(name, port)| (name, Some(port)));
    let is_port = |port: &str| port.len() <= 5 && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && !name.starts_with(['.', '-'])
        && !name.contains("..");
    if !is_name || name.is_empty() || !port.is_none_or(is_port) {
        return false;
    }
    let labels = name.split('.').count();
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_known =
        ENDS.contains(&last) && (labels > 2 || (labels == 2 && !matches!(last, "io" | "net" | "app" | "test")));
    match port {
        _ if name == "localhost" || is_known => true,
        Some(_) if labels > 1 => last.bytes().all(|byte| byte.is_ascii_lowercase()) && !FILES.contains(&last),
        Some(port) => PORTS.contains(&port) && name.starts_with(|c: char| c.is_ascii_lowercase()),
        None => false,
    }
}

/// `4f3c2b1a-0000-4000-8000-aabbccddeeff`
pub fn is_uuid(word: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths = word.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && word.split('-').all(hex)
}

/// `https://shop.example/a`
pub fn is_url(word: &str) -> bool {
    let Some((scheme, rest)) = word.split_once("://") else { return false };
    let scheme = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    !scheme.is_empty() && scheme.len() == word.find("://").unwrap_or(0) && !rest.is_empty()
}

/// `anna@shop.example`
pub fn is_email(word: &str) -> bool {
    let Some((user, host)) = word.split_once('@') else { return false };
    let part = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+'))
    };
    part(user) && part(host) && host.contains('.') && !host.ends_with(|c: char| c.is_ascii_digit())
}

/// `192.0.2.1`, `192.0.2.0/24`, `192.0.2.1:80`, `::1`, and the address of a network card
pub fn is_ip(word: &str) -> bool {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // `:8080` is a port of every address.
    if word.strip_prefix(":::").or_else(|| word.strip_prefix(':')).is_some_and(is_port) {
        return true;
    }
    let address = word.split(['/', '%']).next().unwrap_or_default();
    // `0.123.0` and the like are numbers of processes and references.
    if address.starts_with("0.") && !address.starts_with("0.0.0.0") {
        return false;
    }
    let v4 = address.split(':').next().unwrap_or_default();
    v4.parse::<std::net::Ipv4Addr>().is_ok() && address.split_once(':').is_none_or(|(_, port)| is_port(port))
        || (address.matches(':').count() >= 2 && address.parse::<std::net::Ipv6Addr>().is_ok())
        || word
            .strip_prefix('[')
            .is_some_and(|rest| rest.split(']').next().is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok()))
        || is_mac(address)
}

/// A name with its address, as Java writes it: `stock.internal/10.0.0.7:8080`
pub fn is_resolved(word: &str) -> bool {
    word.split_once('/').is_some_and(|(name, address)| {
        is_ip(address) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
    })
}

fn is_mac(word: &str) -> bool {
    let separator = if word.contains(':') { ':' } else { '-' };
    let pair = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    word.split(separator).count() == 6 && word.split(separator).all(pair)
}

/// `2024-02-29`, `29/02/2024`, `2024-02-29T10:00:00.5Z`, `29/Feb/2024:10:00:00`
pub fn is_date(word: &str) -> bool {
    let date = word.split(['T', 't', '_']).next().unwrap_or_default();
    let date = date.split(':').next().unwrap_or_default();
    ['-', '/', '.'].iter().any(|separator| {
        let parts: Vec<&str> = date.split(*separator).collect();
        let number = |part: &str, length: usize| {
            part.len() <= length && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
        };
        let year =
            |part: &str| part.len() == 4 && number(part, 4) && (part.starts_with("19") || part.starts_with("20"));
        match parts.as_slice() {
            [a, b, c] if year(a) => number(b, 2) && number(c, 2),
            [a, b, c] if year(c) => number(a, 2) && (number(b, 2) || is_day_or_month(b)),
            _ => false,
        }
    })
}

/// `10:00`, `10:00:00.123`, `10:00:00+02:00`
pub fn is_time(word: &str) -> bool {
    let time = word.split(['.', '+', 'Z']).next().unwrap_or_default();
    let time = time.split_once(',').map_or(time, |(time, _)| time);
    let parts: Vec<&str> = time.split(':').collect();
    (2..=3).contains(&parts.len())
        && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `Wed`, `April`
pub fn is_day_or_month(word: &str) -> bool {
    const NAMES: [&str; 38] = [
        "Mon",
        "Tue",
        "Wed",
        "Thu",
        "Fri",
        "Sat",
        "Sun",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Sept",
        "Oct",
        "Nov",
        "Dec",
        "January",
        "February",
        "March",
        "April",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "Thurs",
    ];
    NAMES.contains(&word)
}

/// `12ms`, `1.5s`, `3h2m`, `PT5M`
pub fn is_duration(word: &str) -> bool {
    let word = word.strip_prefix("PT").or_else(|| word.strip_prefix('P')).unwrap_or(word);
    let word = word.strip_suffix('S').unwrap_or(word);
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let mut rest = word;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let unit = &rest[number..];
        let length = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        if number == 0 || !(is_unit(&unit[..length]) || (unit.is_empty() && word.len() > number)) {
            return false;
        }
        rest = &unit[length..];
    }
    true
}

/// `12.5GB`, `900kB`, `4KiB`
pub fn is_size(piece: &str) -> bool {
    let number = piece.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &piece[number.len()..];
    let prefix = unit.trim_end_matches(['B', 'b']).trim_end_matches('i');
    let is_unit = unit.ends_with(['B', 'b']) && matches!(prefix, "" | "k" | "K" | "M" | "G" | "T");
    // Kubernetes leaves the bytes out: `512Mi`.
    is_number(number) && (is_unit || matches!(unit, "Ki" | "Mi" | "Gi" | "Ti"))
}

/// `MB`, `bytes`
pub fn is_size_unit(word: &str) -> bool {
    const UNITS: [&str; 14] =
        ["B", "byte", "bytes", "Bytes", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "字节", "octets"];
    UNITS.contains(&word)
}

/// `ms`, `minutes`
pub fn is_unit(word: &str) -> bool {
    const UNITS: [&str; 31] = [
        "毫秒",
        "秒",
        "分钟",
        "小时",
        "天",
        "ns",
        "us",
        "µs",
        "ms",
        "s",
        "sec",
        "secs",
        "second",
        "seconds",
        "m",
        "min",
        "mins",
        "minute",
        "minutes",
        "h",
        "hr",
        "hrs",
        "hour",
        "hours",
        "d",
        "day",
        "days",
        "D",
        "H",
        "M",
        "milliseconds",
    ];
    UNITS.contains(&word)
}

/// `/var/log/a.log`, `C:\data\b.csv`, `~/c`, `./d/e`, `s3/bucket/key.json`
pub fn is_path(word: &str) -> bool {
    let word = word.strip_prefix("jar:").unwrap_or(word);
    let word = word.strip_prefix("file:").filter(|path| path.starts_with('/')).unwrap_or(word);
    let word = if word.starts_with('/') { word.split('?').next().unwrap_or_default() } else { word };
    let bytes = word.as_bytes();
    let windows =
        bytes.len() > 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes[2], b'\\' | b'/');
    let unix = ["/", "~/", "./", "../", "\\\\"].iter().any(|start| word.starts_with(start));
    let separators = word.bytes().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    let is_file = word.rsplit(['/', '\\']).next().is_some_and(|name| name.contains('.') && !name.starts_with('.'));
    let plain = word.chars().all(|c| {
        c.is_alphanumeric() || matches!(c, '/' | '\\' | '.' | '-' | '_' | '~' | ':' | '@' | '+' | '%' | '=' | '$' | '!')
    });
    // An asset is the program's own.
    let is_own = word.starts_with("assets/");
    plain && (windows || (unix && (separators >= 2 || is_file)) || (separators >= 2 && is_file && !is_own))
}
