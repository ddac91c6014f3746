-- Who sees which project: everybody of the organisation where membership is open, else the project's teams.
alter table organizations add column open_membership boolean not null default true;
-- What somebody becomes who joins without anybody saying so.
alter table organizations add column default_role text not null default 'member'
    check (default_role in ('member', 'admin', 'manager', 'owner'));

alter table members add column id bigint generated always as identity unique;
-- Sees every project whatever teams they are in.
alter table members add column has_global_access boolean not null default false;
alter table members add column joined_at timestamptz not null default now();

create table project_teams (
    project_id bigint not null references projects on delete cascade,
    team_id    bigint not null references teams on delete cascade,
    primary key (project_id, team_id)
);
create index project_teams_by_team on project_teams (team_id);

-- The one who acts where an organisation's token does. Signs in nowhere.
alter table users add column machine_of bigint unique references organizations on delete cascade;
