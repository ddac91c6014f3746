create table organizations (
    id         bigint generated always as identity primary key,
    slug       text        not null unique check (slug ~ '^[a-z0-9][a-z0-9_-]{0,49}$'),
    name       text        not null,
    created_at timestamptz not null default now()
);

create table members (
    organization_id bigint not null references organizations on delete cascade,
    user_id         bigint not null references users on delete cascade,
    role            text   not null check (role in ('member', 'admin', 'manager', 'owner')),
    primary key (organization_id, user_id)
);
create index members_by_user on members (user_id);

create table projects (
    id              bigint generated always as identity primary key,
    organization_id bigint      not null references organizations on delete cascade,
    slug            text        not null check (slug ~ '^[a-z0-9][a-z0-9_-]{0,49}$'),
    name            text        not null,
    platform        text        not null default 'other',
    -- The number the next new issue gets: SHOP-1, SHOP-2 …
    next_short_id   bigint      not null default 1,
    created_at      timestamptz not null default now(),
    unique (organization_id, slug)
);

-- The public half of a DSN.
create table project_keys (
    public_key text primary key check (public_key ~ '^[0-9a-f]{32}$'),
    project_id bigint      not null references projects on delete cascade,
    label      text        not null default 'Default',
    is_active  boolean     not null default true,
    created_at timestamptz not null default now()
);
create index project_keys_by_project on project_keys (project_id);
