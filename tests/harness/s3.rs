//! A real server that speaks S3: the Versity gateway over a folder. A bucket is a folder in it, and an object a file, so that a
//! story sees what is stored without asking it.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::net::Place;
use crate::process::{Program, Supervised};
use crate::run::Run;
use crate::tools::GoModule;

const START: Duration = Duration::from_secs(30);
const PROGRAM: &str = "versitygw";
const GATEWAY: [(&str, &str); 1] = [(PROGRAM, "github.com/versity/versitygw/cmd/versitygw")];

/// A running server.
#[derive(Debug)]
pub struct S3 {
    /// Where it is.
    pub url: String,
    /// Name and secret of the one account it has.
    pub access_key: &'static str,
    pub secret_key: &'static str,
    address: SocketAddr,
    place: Place,
    folder: PathBuf,
    server: Supervised,
}

impl S3 {
    /// Starts a server without buckets.
    pub fn start(run: &Run, listen: IpAddr) -> Result<Self> {
        let module = crate::workspace().join("tests/harness/versitygw");
        let title = "the Versity S3 gateway (about 3 minutes, once)";
        let mut programs = GoModule { title, folder: &module, programs: &GATEWAY, linker: "" }.build()?;
        let program = programs.remove(PROGRAM).unwrap_or_else(|| PathBuf::from(PROGRAM));
        let folder = run.folder("s3")?;
        let (buckets, notes) = (folder.join("buckets"), folder.join("notes"));
        fs::create_dir_all(&buckets)?;
        fs::create_dir_all(&notes)?;
        let port = run.place().port_for(listen, 7070)?;
        let (access_key, secret_key) = ("picket", "a secret of the story");
        let server = Program::new(program)
            .env("ROOT_ACCESS_KEY_ID", access_key)
            .env("ROOT_SECRET_ACCESS_KEY", secret_key)
            .args(["--port", &format!("{listen}:{port}"), "--quiet", "posix", "--sidecar"])
            .arg(&notes)
            .arg(&buckets)
            .start(run)?;
        let url = format!("http://{listen}:{port}");
        let s3 = Self {
            url,
            access_key,
            secret_key,
            address: (listen, port).into(),
            place: run.place().clone(),
            folder: buckets,
            server,
        };
        s3.wait_until_ready()?;
        Ok(s3)
    }

    /// The folder of a bucket, which is made by making the folder.
    pub fn bucket(&self, name: &str) -> Result<PathBuf> {
        let bucket = self.folder.join(name);
        fs::create_dir_all(&bucket)?;
        Ok(bucket)
    }

    /// Stops it.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Starts it again with the same buckets.
    pub fn restart(&self) -> Result<()> {
        self.server.restart()?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&self) -> Result<()> {
        self.server.wait_until(START, || self.place.accepts(self.address))
    }
}
