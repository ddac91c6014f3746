//! One row of a table: read, sent, and held against its answer.

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Method, blocking::Response};
use serde_json::Value;

use crate::{
    edge::{brotli, gzip, raw_deflate, zlib, zstd},
    platform::Platform,
};

/// A request, and what it must be answered.
#[derive(Debug, Default)]
pub struct Row {
    claim: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    /// What the body goes through before it is sent.
    through: Vec<String>,
    body: String,
    status: u16,
    answer: String,
    /// Headers the answer must have, or `none`.
    told: Vec<(String, String)>,
    differs: Option<String>,
}

impl Row {
    /// Reads a table.
    pub fn all(table: &str) -> Result<Vec<Row>> {
        let mut rows: Vec<Row> = Vec::new();
        let mut part = Part::Request;
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix("  ") {
                None if line.is_empty() && part == Part::Request => part = Part::Body,
                None if line.is_empty() => (),
                None => {
                    rows.push(Row { claim: line.to_owned(), ..Row::default() });
                    part = Part::Request;
                }
                Some(line) => {
                    let row = rows.last_mut().with_context(|| format!("{line:?} belongs to no row"))?;
                    part = row.read(line, part).with_context(|| format!("reading {:?} of {:?}", line, row.claim))?;
                }
            }
        }
        Ok(rows)
    }

    fn read(&mut self, line: &str, part: Part) -> Result<Part> {
        if let Some(answer) = line.strip_prefix("=> ") {
            let (status, answer) = answer.split_once(' ').context("no answer")?;
            (self.status, self.answer) = (status.parse()?, answer.to_owned());
            return Ok(Part::Answer);
        }
        match part {
            Part::Request if self.method.is_empty() => {
                let (method, path) = line.split_once(' ').context("no path")?;
                (self.method, self.path) = (method.to_owned(), path.to_owned());
            }
            Part::Request => match line.strip_prefix("| ") {
                Some(through) => self.through = through.split(' ').map(str::to_owned).collect(),
                None => self.headers.push(header(line)?),
            },
            Part::Body => self.body.push_str(&unescaped(line)),
            Part::Answer => match line.strip_prefix("~ ") {
                Some(why) => self.differs = Some(why.to_owned()),
                None => self.told.push(header(line)?),
            },
        }
        Ok(part)
    }

    /// Sends the request and holds the answer against what it must be.
    pub fn hold(&self, platform: &Platform, names: &[(String, String)]) -> Result<()> {
        self.check(platform, names).with_context(|| match &self.differs {
            Some(why) => format!("{} (we differ from Sentry: {why})", self.claim),
            None => self.claim.clone(),
        })
    }

    fn check(&self, platform: &Platform, names: &[(String, String)]) -> Result<()> {
        let filled = |text: &str| {
            names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
        };
        let mut body = filled(&self.body).into_bytes();
        for step in &self.through {
            body = pass(body, step)?;
        }
        let url = format!("{}{}", platform.url, filled(&self.path));
        let request = platform.client.request(Method::from_bytes(self.method.as_bytes())?, url);
        let request = if body.is_empty() { request } else { request.body(body) };
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, filled(value)));
        let answer = request.send()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("no text"));
        let said = said(answer)?;
        ensure!(status == self.status, "it was answered {status} {said}, not {}", self.status);
        matches(&said, &filled(&self.answer), header("x-sentry-error"))?;
        for (name, expected) in &self.told {
            let told = header(name).unwrap_or("none");
            ensure!(told == filled(expected), "{name} is {told:?}, not {expected:?}");
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Request,
    Body,
    Answer,
}

fn header(line: &str) -> Result<(String, String)> {
    let (name, value) = line.split_once(':').context("no header")?;
    Ok((name.to_owned(), value.trim().to_owned()))
}

fn unescaped(line: &str) -> String {
    [("\\n", "\n"), ("\\r", "\r"), ("\\0", "\0"), ("\\s", " ")]
        .iter()
        .fold(line.to_owned(), |line, (written, meant)| line.replace(written, meant))
}

fn pass(mut body: Vec<u8>, step: &str) -> Result<Vec<u8>> {
    Ok(match step {
        "gzip" => gzip(&body)?,
        "zlib" => zlib(&body)?,
        "raw_deflate" => raw_deflate(&body)?,
        "br" => brotli(&body)?,
        "zstd" => zstd(&body)?,
        "base64" => BASE64_STANDARD.encode(body).into_bytes(),
        "cut" => {
            body.truncate(body.len() - 6);
            body
        }
        "items_1001" => [&body, &b"\n{\"type\":\"session\"}\n{}".repeat(1_001)[..]].concat(),
        _ => bail!("a body cannot go through {step:?}"),
    })
}

fn said(answer: Response) -> Result<String> {
    Ok(String::from_utf8_lossy(&answer.bytes()?).into_owned())
}

fn matches(said: &str, expected: &str, in_header: Option<&str>) -> Result<()> {
    let json = || serde_json::from_str::<Value>(said).with_context(|| format!("it was answered {said:?}"));
    let (kind, rest) = expected.split_once(' ').unwrap_or((expected, ""));
    let holds = match kind {
        "anything" => true,
        "nothing" => said.is_empty(),
        "picture" => said.starts_with("GIF89a"),
        "some" => json()?["id"].as_str().is_some_and(|id| id.len() == 32),
        "uuid" => said.len() == 36 && said.parse::<uuid::Uuid>().is_ok(),
        "text" => said.contains(rest) && json().is_err(),
        "refused" => {
            let (detail, cause) = rest.split_once(" < ").unwrap_or((rest, ""));
            let answer = json()?;
            let caused = answer["causes"][0].as_str().unwrap_or_default();
            answer["detail"] == detail && caused.contains(cause) && in_header == Some(detail)
        }
        _ => said == expected,
    };
    ensure!(holds, "it was answered {said}, not {expected}");
    Ok(())
}
