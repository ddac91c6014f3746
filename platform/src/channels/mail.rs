//! Mail to addresses of one's own: a list, an inbox of those on call. Members are told by their own preferences instead.

use super::{
    Kind, Outgoing,
    letter::{self, About},
    message::{Message, Sending},
    schema::{Both, Config, Field, Input, LANGUAGE, Wrong, both},
};

const FIELDS: &[Field] = &[
    Field::required(
        "addresses",
        Input::Lines,
        both("Addresses", "邮箱地址"),
        both("Who gets the mails, an address a line.", "收件人地址，每行一个。"),
    ),
    LANGUAGE,
];

const NO_ADDRESS: Both = both("One of these is no address.", "其中有无效的邮箱地址。");
const TOO_MANY: Both = both("These are more than 20: use a mailing list.", "超过 20 个地址：请使用邮件列表。");
const MOST: usize = 20;

/// A list of addresses.
pub struct Mail;

impl Kind for Mail {
    fn id(&self) -> &'static str {
        "mail"
    }

    fn label(&self) -> Both {
        both("Mail", "邮件")
    }

    fn text(&self) -> Both {
        both("Mails to addresses that need not be members'.", "发送到指定的邮箱地址，收件人不必是成员。")
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn per_minute(&self) -> u32 {
        10
    }

    fn check(&self, config: &Config) -> Vec<Wrong> {
        let addresses = config.lines("addresses");
        let is_wrong = |address: &&str| address.parse::<lettre::Address>().is_err();
        let why =
            if addresses.len() > MOST { Some(TOO_MANY) } else { addresses.iter().any(is_wrong).then_some(NO_ADDRESS) };
        why.map(|why| ("addresses".to_owned(), why)).into_iter().collect()
    }

    fn compose(&self, config: &Config, message: &Message, sending: &Sending) -> Outgoing {
        let to = config.lines("addresses").into_iter().map(str::to_owned).collect();
        match letter::write(&About { message, sending, unsubscribe: None }, to) {
            Ok(mail) => Outgoing::Mail(Box::new(mail)),
            Err(error) => Outgoing::Impossible(format!("{error:#}")),
        }
    }
}
