-- When somebody deleted it: from then on it is nowhere, and workers delete what it has, bit by bit.
alter table projects add column deleted_at timestamptz;
create index projects_deleted on projects (deleted_at) where deleted_at is not null;
