insert into mail_preferences (user_id, project_id, activity) select id, 0, false from users;
insert into user_contacts (user_id, kind, value) select id, 'mobile', '13800000000' from users;
