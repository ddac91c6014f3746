-- Which sites may report to a project: `*`, `shop.example`, `*.shop.example`, `https://shop.example:8443`. Empty: none.
alter table projects add column allowed_origins text[] not null default '{*}';

-- How much may be sent in a time. Of organisation, project and key at most one is named; none is the whole installation.
create table quotas (
    id              bigint generated always as identity primary key,
    organization_id bigint  references organizations on delete cascade,
    project_id      bigint  references projects on delete cascade,
    public_key      text    references project_keys on delete cascade,
    -- Sentry's words: error, attachment …; empty for all.
    categories      text[]  not null default '{}',
    -- How many, or how many bytes of attachments; 0 refuses everything.
    most            bigint  not null check (most >= 0),
    window_seconds  integer not null check (window_seconds > 0),
    -- What SDKs are told.
    reason          text    not null default 'quota' check (reason ~ '^[a-z0-9_]{1,50}$'),
    check (num_nonnulls(organization_id, project_id, public_key) <= 1)
);
create index quotas_by_organization on quotas (organization_id) where organization_id is not null;
create index quotas_by_project on quotas (project_id) where project_id is not null;
create index quotas_by_key on quotas (public_key) where public_key is not null;
