-- The versions of an application that reported, made from its events.
create table releases (
    project_id bigint      not null,
    version    text        not null,
    -- Of shop@1.2.3-rc.1: shop, {1,2,3,0} and rc.1. No numbers where it is no version.
    package    text        not null,
    numbers    bigint[],
    pre        text        not null,
    created_at timestamptz not null,
    -- When its events happened; the last one may be five minutes behind.
    first_seen timestamptz not null,
    last_seen  timestamptz not null,
    primary key (project_id, version)
);
create index releases_by_creation on releases (project_id, created_at desc);
