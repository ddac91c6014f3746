insert into issue_assignees (project_id, issue_id, team_id, assigned_at) select i.project_id, i.id, t.id, now() from issues i, teams t;
insert into issue_bookmarks (project_id, issue_id, user_id) select i.project_id, i.id, u.id from issues i, users u;
insert into issue_subscriptions (project_id, issue_id, user_id, is_active, reason) select i.project_id, i.id, u.id, true, 'bookmark' from issues i, users u;
insert into issue_views (project_id, issue_id, user_id, seen_at) select i.project_id, i.id, u.id, now() from issues i, users u;
insert into issue_shares (project_id, issue_id, id, shared_at) select project_id, id, gen_random_uuid(), now() from issues;
