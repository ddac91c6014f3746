insert into organizations (slug, name) values ('acme', 'Acme');
insert into members (organization_id, user_id, role) select o.id, u.id, 'owner' from organizations o, users u;
insert into projects (organization_id, slug, name) select id, 'shop', 'Shop' from organizations;
insert into project_keys (public_key, project_id) select '0123456789abcdef0123456789abcdef', id from projects;
