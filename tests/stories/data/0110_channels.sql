insert into channels (organization_id, project_id, kind, name, config, secrets, owner, created_at)
select p.organization_id, p.id, 'slack', 'The old one', '{"language": "en"}', '\x00', u.id, now() from projects p, users u;
