insert into projects (organization_id, slug, name, deleted_at) select id, 'gone', 'Gone', now() from organizations;
