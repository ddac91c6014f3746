//! The ground everything else stands on: pods run, Services reach them, names resolve.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::Story;
use crate::shop::World;

pub(crate) const STORIES: &[Story] =
    &[Story { name: "a_deployment_runs_behind_a_service", run: a_deployment_runs_behind_a_service }];

/// In a namespace that enforces the restricted Pod Security Standard, as the instances of users do.
fn a_deployment_runs_behind_a_service(world: &World) -> Result<()> {
    let cluster = &world.cluster;
    let namespace = "workloads";
    cluster.create_namespace(namespace)?;
    cluster.apply(&deployment(namespace).to_string())?;
    cluster.apply(&service(namespace).to_string())?;
    cluster.kubectl(&["rollout", "status", "deployment/hello", "-n", namespace, "--timeout=60s"])?;

    let mut connection = TcpStream::connect(cluster.service_address(namespace, "hello")?)?;
    connection.write_all(b"GET /hello HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    ensure!(answer.ends_with("from a pod\n"), "the Service answered {answer}");

    let url = format!("http://hello.{namespace}.svc.cluster.local/hello");
    let inside = cluster.kubectl(&["exec", "-n", namespace, "deploy/hello", "--", "/bin/wget", "-qO-", &url])?;
    ensure!(inside == "from a pod\n", "inside the cluster, {url} answered {inside}");
    Ok(())
}

fn deployment(namespace: &str) -> serde_json::Value {
    let script = "echo from a pod > /tmp/hello && exec httpd -f -p 8080 -h /tmp";
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "hello", "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": "hello"}}, "template": {
            "metadata": {"labels": {"app": "hello"}},
            "spec": {
                "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{
                    "name": "hello",
                    "image": "picket-busybox:dev",
                    "command": ["/bin/sh", "-c", script],
                    "readinessProbe": {"httpGet": {"path": "/hello", "port": 8080}, "periodSeconds": 1},
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }],
            },
        }},
    })
}

fn service(namespace: &str) -> serde_json::Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "hello", "namespace": namespace},
        "spec": {"selector": {"app": "hello"}, "ports": [{"port": 80, "targetPort": 8080}]},
    })
}
