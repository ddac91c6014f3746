-- Members who ask to be in a team.
create table team_requests (
    id           bigint generated always as identity primary key,
    team_id      bigint      not null references teams on delete cascade,
    user_id      bigint      not null references users on delete cascade,
    requested_at timestamptz not null,
    unique (team_id, user_id)
);
create index team_requests_by_user on team_requests (user_id);

-- People who were asked to join, by mail. Only the SHA-256 of the link's secret is kept. They are numbered as members are, so
-- that clients see one list.
create table invitations (
    id              bigint primary key default nextval('members_id_seq'),
    organization_id bigint      not null references organizations on delete cascade,
    email           text        not null check (email like '%_@_%'),
    role            text        not null check (role in ('member', 'admin', 'manager', 'owner')),
    token_hash      bytea       not null unique,
    invited_by      bigint      references users on delete set null,
    created_at      timestamptz not null,
    expires_at      timestamptz not null
);
create unique index invitations_by_email on invitations (organization_id, lower(email));
create index invitations_by_inviter on invitations (invited_by);

create table invitation_teams (
    invitation_id bigint not null references invitations on delete cascade,
    team_id       bigint not null references teams on delete cascade,
    primary key (invitation_id, team_id)
);
create index invitation_teams_by_team on invitation_teams (team_id);
