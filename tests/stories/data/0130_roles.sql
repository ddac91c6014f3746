insert into project_teams (project_id, team_id) select p.id, t.id from projects p join teams t on t.organization_id = p.organization_id;
insert into users (email, machine_of) select 'organization-' || id || '@tokens.invalid', id from organizations;
