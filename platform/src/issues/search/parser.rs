//! Joins the pieces of a query to a tree. Pure.
//!
//! `AND` binds closer than `OR`; conditions side by side are joined with `AND`; words side by side are one text, as in a
//! message. The two are written in capitals: `connection refused or reset` is a text.

use std::{iter::Peekable, ops::Range, vec};

use super::{
    fields,
    lexer::{Piece, Token, tokens},
    problem::{Kind, Problem},
    query::{Is, Node, Term, What},
};

/// Characters of a query.
const LONGEST: usize = 4096;
const MOST_TERMS: usize = 100;
const DEEPEST: usize = 10;

/// Understands a query; none where it asks for nothing.
pub(super) fn parse(query: &str) -> Result<Option<Node>, Problem> {
    if let Some((end, _)) = query.char_indices().nth(LONGEST) {
        return Err(Problem::new(Kind::TooLong(LONGEST), end..query.len()));
    }
    let mut parser = Parser { tokens: tokens(query)?.into_iter().peekable(), terms: 0 };
    if parser.tokens.peek().is_none() {
        return Ok(None);
    }
    let node = parser.any(0)?;
    Ok(Some(node))
}

struct Parser {
    tokens: Peekable<vec::IntoIter<Token>>,
    terms: usize,
}

impl Parser {
    fn any(&mut self, depth: usize) -> Result<Node, Problem> {
        let mut parts = vec![self.all(depth)?];
        while let Some(or) = self.tokens.next_if(|token| token.kind == Piece::Or) {
            self.needs_more("OR", &or)?;
            parts.push(self.all(depth)?);
        }
        Ok(joined(parts, Node::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Node, Problem> {
        let mut parts = vec![self.one(depth)?];
        loop {
            match self.tokens.peek().map(|token| &token.kind) {
                None | Some(Piece::Or | Piece::Close) => return Ok(joined(parts, Node::All)),
                Some(Piece::And) => {
                    if let Some(and) = self.tokens.next() {
                        self.needs_more("AND", &and)?;
                    }
                }
                Some(_) => (),
            }
            parts.push(self.one(depth)?);
        }
    }

    fn needs_more(&mut self, word: &'static str, token: &Token) -> Result<(), Problem> {
        match self.tokens.peek().map(|token| &token.kind) {
            None | Some(Piece::And | Piece::Or | Piece::Close) => {
                Err(Problem::new(Kind::NothingAfter(word), token.span.clone()))
            }
            Some(_) => Ok(()),
        }
    }

    fn one(&mut self, depth: usize) -> Result<Node, Problem> {
        // Whoever calls has seen that there is a token.
        let Some(token) = self.tokens.next() else { return Ok(Node::All(Vec::new())) };
        match token.kind {
            Piece::Open => self.group(&token, depth),
            Piece::Close => Err(Problem::new(Kind::StrayClose, token.span)),
            Piece::And => Err(Problem::new(Kind::NothingBefore("AND"), token.span)),
            Piece::Or => Err(Problem::new(Kind::NothingBefore("OR"), token.span)),
            Piece::Phrase(text) => self.term(Is::So, What::Text(text.to_match()), text.span),
            Piece::Word(mut text) => {
                while let Some(Token { kind: Piece::Word(more), .. }) =
                    self.tokens.next_if(|token| matches!(token.kind, Piece::Word(_)))
                {
                    text = text.followed_by(&more);
                }
                self.term(Is::So, What::Text(text.to_match()), text.span)
            }
            Piece::Filter(filter) => {
                let (is, what) = fields::understand(&filter)?;
                self.term(is, what, token.span)
            }
        }
    }

    fn group(&mut self, open: &Token, depth: usize) -> Result<Node, Problem> {
        if depth == DEEPEST {
            return Err(Problem::new(Kind::TooDeep(DEEPEST), open.span.clone()));
        }
        match self.tokens.peek() {
            None => return Err(Problem::new(Kind::UnclosedGroup, open.span.clone())),
            Some(Token { kind: Piece::Close, span }) => {
                return Err(Problem::new(Kind::EmptyGroup, open.span.start..span.end));
            }
            Some(_) => (),
        }
        let node = self.any(depth + 1)?;
        match self.tokens.next() {
            Some(Token { kind: Piece::Close, .. }) => Ok(node),
            _ => Err(Problem::new(Kind::UnclosedGroup, open.span.clone())),
        }
    }

    fn term(&mut self, is: Is, what: What, span: Range<usize>) -> Result<Node, Problem> {
        self.terms += 1;
        if self.terms > MOST_TERMS {
            return Err(Problem::new(Kind::TooMany(MOST_TERMS), span));
        }
        Ok(Node::Term(Term { is, what, span }))
    }
}

/// One part is itself.
fn joined(mut parts: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match parts.pop() {
        Some(one) if parts.is_empty() => one,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}
