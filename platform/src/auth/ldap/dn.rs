//! Distinguished names: whether two are the same, and how what somebody typed is put into one. Pure.
//!
//! Servers write a DN in their own way: with other cases and spaces, with `\E6\8A\80` for 技. Compared is what is meant.

use ldap3::dn_escape;

/// Whether two DNs name one entry. Cases and the spaces around separators do not count, and escapes are what they stand for.
pub fn same(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

/// A DN in the one form that is compared.
pub fn normal(dn: &str) -> String {
    let mut bytes = dn.bytes().peekable();
    let mut normal = Vec::with_capacity(dn.len());
    // Where a part begins, and up to where its spaces are escaped or belong to what is before it.
    let (mut start, mut solid) = (0, 0);
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                let Some(next) = bytes.next() else { break };
                match hex(next).zip(bytes.peek().copied().and_then(hex)) {
                    Some((high, low)) => {
                        bytes.next();
                        normal.push((high << 4) | low);
                    }
                    None => normal.push(next),
                }
                // A separator that was escaped is none.
                if matches!(normal.last(), Some(b',' | b'+' | b'=' | b';')) {
                    normal.push(0);
                }
                solid = normal.len();
            }
            b',' | b';' | b'+' | b'=' => {
                cut(&mut normal, solid);
                normal.push(if byte == b';' { b',' } else { byte });
                (start, solid) = (normal.len(), normal.len());
            }
            b' ' if normal.len() == start => (),
            byte => normal.push(byte),
        }
    }
    cut(&mut normal, solid);
    String::from_utf8_lossy(&normal).to_lowercase()
}

/// Cuts the spaces at the end, and leaves what is solid.
fn cut(text: &mut Vec<u8>, solid: usize) {
    while text.len() > solid && text.last() == Some(&b' ') {
        text.pop();
    }
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The DN that a template makes of what was typed, which can only ever be one value in it.
pub fn of_template(template: &str, typed: &str) -> String {
    template.replace("%(user)s", &dn_escape(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_compared_and_not_how_it_is_written() {
        assert!(same(
            "CN=Admins,OU=技术部,DC=example,DC=com",
            "cn=admins, ou=\\E6\\8A\\80\\E6\\9C\\AF\\E9\\83\\A8 ,dc=Example,dc=com"
        ));
        assert!(same("cn=a\\2Cb,dc=x", "cn=a\\,b,dc=x"));
        assert!(!same("cn=a\\,dc=b,dc=x", "cn=a,dc=b,dc=x"), "an escaped comma is part of a name");
        assert!(!same("cn=a\\=b,dc=x", "cn=a=b,dc=x"));
        assert!(!same("cn=admins,ou=技术部,dc=x", "cn=admins,ou=市场部,dc=x"));
        assert!(!same("cn=admins", "cn=admins,dc=x"));
    }

    #[test]
    fn what_is_typed_cannot_leave_its_place_in_a_template() {
        let template = "uid=%(user)s,ou=people,dc=example,dc=com";
        assert_eq!(of_template(template, "ada"), "uid=ada,ou=people,dc=example,dc=com");
        let tricky = of_template(template, "ada,ou=admins");
        assert_eq!(normal(&tricky).matches("ou=").count(), 2, "{tricky}");
        assert!(!same(&tricky, "uid=ada,ou=admins,ou=people,dc=example,dc=com"));
        assert!(same(&of_template(template, "张三"), "uid=张三,ou=people,dc=example,dc=com"));
    }
}
