-- Groups of members that issues are assigned to, together.
create table teams (
    id              bigint generated always as identity primary key,
    organization_id bigint      not null references organizations on delete cascade,
    slug            text        not null check (slug ~ '^[a-z0-9][a-z0-9_-]{0,49}$'),
    name            text        not null,
    created_at      timestamptz not null default now(),
    unique (organization_id, slug)
);

create table team_members (
    team_id bigint not null references teams on delete cascade,
    user_id bigint not null references users on delete cascade,
    primary key (team_id, user_id)
);
create index team_members_by_user on team_members (user_id);
