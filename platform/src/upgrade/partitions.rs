//! Indexes of partitions that are older than the index.
//!
//! A migration creates an index of a partitioned table `on only` it, which takes no time: partitions that are made from then on
//! have it. Those that were there get it here, one by one and concurrently, so that ingest goes on meanwhile.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgPool};

/// Gives every partition the indexes of its table. One that was interrupted begins again.
pub(super) async fn complete_indexes(db: &PgPool) -> Result<()> {
    let missing = sqlx::query!(
        r#"select i.indexrelid::regclass::text as "index!", p.inhrelid::regclass::text as "partition!",
                  substring(pg_get_indexdef(i.indexrelid) from ' USING .*$') as "how!"
           from pg_index i
           join pg_class c on c.oid = i.indexrelid and c.relkind = 'I'
           join pg_inherits p on p.inhparent = i.indrelid
           where c.relnamespace = current_schema::regnamespace and not exists (
               select from pg_inherits child join pg_index of_child on of_child.indexrelid = child.inhrelid
               where child.inhparent = i.indexrelid and of_child.indrelid = p.inhrelid
           )
           order by 1, 2"#
    )
    .fetch_all(db)
    .await
    .context("looking for missing indexes")?;
    for row in missing {
        let (index, partition) = (&row.index, &row.partition);
        let name = format!("{partition}_{index}");
        for step in [
            format!("drop index concurrently if exists {name}"),
            format!("create index concurrently {name} on {partition}{}", row.how),
            format!("alter index {index} attach partition {name}"),
        ] {
            // Every name is from the catalogue.
            sqlx::query(AssertSqlSafe(step)).execute(db).await.with_context(|| format!("making {name}"))?;
        }
    }
    Ok(())
}
