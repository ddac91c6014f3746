//! A copy of every table, to go back to after something was changed. Only what was changed is put back.

use anyhow::Result;

use crate::platform::Platform;

/// Every table has a trigger that notes its name when it is written to; foreign keys that delete fire those of other tables too.
const NOTED: &str = "
    create schema saved;
    create table saved.changed (name text primary key);
    create function saved.note() returns trigger language plpgsql as $$
        begin insert into saved.changed values (tg_argv[0]) on conflict do nothing; return null; end $$;
    do $$
        declare one record;
        begin
            for one in
                select c.oid::regclass as name, coalesce(pg_partition_root(c.oid), c.oid)::regclass as root, c.relispartition as is_part
                from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> '_sqlx_migrations'
            loop
                if not one.is_part then execute format('create table saved.%I as table %s', one.name, one.name); end if;
                execute format('create trigger noted after insert or update or delete or truncate on %s
                    for each statement execute function saved.note(%L)', one.name, one.root);
            end loop;
        end $$";

/// As replication does, so that rows may come before those that they name, and no trigger fires.
const BACK: &str = "
    do $$
        declare one text;
        begin
            set local session_replication_role = replica;
            for one in delete from saved.changed returning name loop
                execute format('delete from %s', one);
                execute format('insert into %s overriding system value select * from saved.%I', one, one);
            end loop;
        end $$";

/// Copies them.
pub fn keep(platform: &Platform) -> Result<()> {
    platform.sql(NOTED).map(drop)
}

/// Puts back what was changed since.
pub fn restore(platform: &Platform) -> Result<()> {
    platform.sql(BACK).map(drop)
}
