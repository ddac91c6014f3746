insert into teams (organization_id, slug, name) select id, 'checkout', 'Checkout' from organizations;
insert into team_members (team_id, user_id) select t.id, u.id from teams t, users u;
