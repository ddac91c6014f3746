insert into identities (directory, key, dn, user_id, seen_at) select 'ldap', 'ada', 'uid=ada,ou=人员,dc=example,dc=com', min(id), now() from users;
insert into directory_groups (directory, dn, groups, asked_at) values ('ldap', 'uid=ada,ou=人员,dc=example,dc=com', '[]', now());
