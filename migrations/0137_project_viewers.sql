-- Who may see which project, for what is sent to people: superusers, everybody of the organisation where membership is open, who
-- has global access by role or by name, and the project's teams. What answers people themselves asks the same of one of them.
create view project_viewers as
    select p.id as project_id, u.id as user_id
    from projects p
    join organizations o on o.id = p.organization_id
    join users u on u.is_active
    left join members m on m.organization_id = o.id and m.user_id = u.id
    where u.is_superuser or u.machine_of = o.id
       or m.user_id is not null and (
           o.open_membership or m.has_global_access or m.role in ('manager', 'owner')
           or exists (
               select 1 from project_teams pt join team_members tm on tm.team_id = pt.team_id
               where pt.project_id = p.id and tm.user_id = u.id
           )
       );
