//! Two replicas, one writer, whatever their clocks say.

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use picket_operator::controller::Scope;
use picket_operator::leader::Leadership;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::Story;
use crate::shop::{Running, Shop};
use crate::wire::Wire;
use crate::world::World;

pub(crate) const STORIES: &[Story] = &[
    Story { name: "trap_06_of_two_replicas_one_writes_and_the_other_takes_over", run: trap_06 },
    Story { name: "trap_20_a_lease_is_judged_by_its_renewals_and_not_by_clocks", run: trap_20 },
];

const LEASE: &str = "picket";

/// A replica as `picket-operator run` is one: it competes for the Lease, and works while it has it.
pub(crate) fn replica(world: &World, shop: &Shop, client: Client, identity: &'static str) -> JoinHandle<Result<()>> {
    let (namespace, runtime) = (shop.namespace.clone(), world.runtime.handle().clone());
    world.runtime.spawn(async move {
        let leadership = Leadership::new(client.clone(), LEASE, &namespace, identity);
        leadership.acquire().await;
        let _running = Running::start_on(&runtime, &client, Scope::Namespace(namespace));
        Err(leadership.hold().await)
    })
}

fn writes(wire: &Wire) -> usize {
    wire.writes().iter().filter(|it| it.call.resource != "leases").count()
}

fn trap_06(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::open(world, "trap-06").await?;
        let wires = [Wire::default(), Wire::default()];
        let replicas = [
            replica(world, &shop, world.client(&wires[0])?, "first"),
            replica(world, &shop, world.client(&wires[1])?, "second"),
        ];
        shop.waits_for("Ready", "True Running").await?;
        let leader = usize::from(writes(&wires[0]) == 0);
        ensure!(writes(&wires[1 - leader]) == 0, "both wrote: {:?}", wires.each_ref().map(writes));

        replicas[leader].abort();
        shop.change(&json!({"worker": {"replicas": 3}})).await?;
        let scaled = || async { Ok(shop.deployment("worker").await?.spec.replicas == Some(3)) };
        shop.waits("the other replica to take over", scaled).await?;
        replicas[1 - leader].abort();
        ensure!(writes(&wires[1 - leader]) > 0, "the dead one wrote");
        Ok(())
    })
}

/// One holder lives in the past and renews; it keeps the Lease. Another said it will renew for years, and died; it loses it.
fn trap_20(world: &World) -> Result<()> {
    world.runtime.block_on(async {
        let shop = Shop::empty(world, "trap-20").await?;
        let leases: Api<Lease> = shop.api();
        let slow = SignedDuration::from_hours(-1);
        leases.create(&PostParams::default(), &lease("slow", Timestamp::now() + slow)?).await?;
        let wire = Wire::default();
        let waiting = replica(world, &shop, world.client(&wire)?, "ours");
        // Twice the Lease's duration, as renewals every two seconds tell it.
        for _ in 0..15 {
            let renewed = Patch::Merge(json!(lease("slow", Timestamp::now() + slow)?));
            leases.patch(LEASE, &PatchParams::default(), &renewed).await?;
            ensure!(holder(&leases).await? == "slow", "taken from a holder that renews, by its clock an hour late");
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        }
        let never = Patch::Merge(json!(lease("dead", Timestamp::now() + SignedDuration::from_hours(24 * 365))?));
        leases.patch(LEASE, &PatchParams::default(), &never).await?;
        let ours = || async { Ok(holder(&leases).await? == "ours") };
        shop.waits("a Lease of a dead holder from the future", ours).await?;
        waiting.abort();
        Ok(())
    })
}

async fn holder(leases: &Api<Lease>) -> Result<String> {
    let lease = leases.get(LEASE).await?;
    lease.spec.and_then(|spec| spec.holder_identity).context("a Lease without a holder")
}

fn lease(holder: &str, renewed: Timestamp) -> Result<Lease> {
    let renewed: Value = json!(renewed.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
    Ok(serde_json::from_value(json!({"metadata": {"name": LEASE}, "spec": {
        "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed, "acquireTime": renewed,
        "leaseTransitions": 1,
    }}))?)
}
