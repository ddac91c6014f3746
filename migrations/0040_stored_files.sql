-- Files: what an item holds may lie in the file store, under a name made of its day, project and id.
alter table items
    -- Of the body before compression, wherever it lies.
    add column size        bigint  not null default 0,
    add column in_store    boolean not null default false,
    -- Of files only.
    add column sha1        bytea;
