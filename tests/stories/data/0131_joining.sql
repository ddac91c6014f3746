insert into team_requests (team_id, user_id, requested_at) select t.id, u.id, now() from teams t, users u where u.machine_of is null;
insert into invitations (organization_id, email, role, token_hash, expires_at, created_at) select id, 'new@example.com', 'admin', sha256(convert_to(slug, 'UTF8')), now() + interval '30 days', now() from organizations;
insert into invitation_teams (invitation_id, team_id) select i.id, t.id from invitations i join teams t on t.organization_id = i.organization_id;
