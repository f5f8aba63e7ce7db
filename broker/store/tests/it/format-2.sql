-- A database as the last version with format 2 wrote it: ten records, three sessions, a lease and a login.
BEGIN TRANSACTION;
CREATE TABLE checkpoints (
    sequence INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    signature BLOB NOT NULL
) STRICT;
CREATE TABLE leases (
    session BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (session, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO "leases" VALUES(X'0198C0DE000070008000000000000001',8,1800000060);
CREATE TABLE ledger (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id BLOB NOT NULL
) STRICT;
INSERT INTO "ledger" VALUES(1,X'0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE logins (
    account TEXT NOT NULL PRIMARY KEY,
    changed INTEGER NOT NULL,
    login TEXT NOT NULL
) STRICT;
INSERT INTO "logins" VALUES('default',9,'{"account":"default","user":{"id":{"issuer":"https://id.example.test","subject":"alice"},"display":"Alice","groups":["dev"]},"confirmed":1,"expires":2,"dead":null}');
CREATE TABLE records (
    sequence INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    hash BLOB NOT NULL,
    subject ANY,
    bound BLOB
) STRICT;
INSERT INTO "records" VALUES(1,'{"at":1800000000000,"event":"policies_loaded","digest":"0000000000000000000000000000000000000000000000000000000000000000","policies":0}',X'74AAE5567B349E1624097D88C8E581B920D4E38263329E8541F7055CC40C7D94',NULL,NULL);
INSERT INTO "records" VALUES(2,'{"at":1800000000001,"event":"policies_loaded","digest":"0000000000000000000000000000000000000000000000000000000000000000","policies":1}',X'99FBBE619F1EF7793808B90EBCE838757A516D23609A215B1DFB03BCDEEE83D5',NULL,NULL);
INSERT INTO "records" VALUES(3,'{"at":1800000000000,"session":"0198c0de000070008000000000000001","event":"session_changed","from":"active","state":"active"}',X'CD146DBFAD9FBDAACAB4AB91FD08570C75FB747FD444CB0099185547397CC8CC',X'0198C0DE000070008000000000000001',X'2BC5F87F1C5B4DF7EECEB9FA25EA86A43F24B46D7095FA319EC46C0C53B07EF6');
INSERT INTO "records" VALUES(4,'{"at":1800000000000,"session":"0198c0de000070008000000000000002","event":"session_changed","from":"active","state":"active"}',X'C6E6F1B68A4BBCDD22006B9F3EB08E7F2B9C92605C71AE652E69EBC732C7EFF8',X'0198C0DE000070008000000000000002',X'6503379EE0E21FA4C89EA130CD4E12162F9E3376300CF19B33BFE9D7C3A928E7');
INSERT INTO "records" VALUES(5,'{"at":1800000000000,"session":"0198c0de000070008000000000000003","event":"session_changed","from":"active","state":"active"}',X'94F1C1210D77B345AF3D393230701F34075ED06CA618B9380B75043ECD9B5D73',X'0198C0DE000070008000000000000003',X'13694662CBC6A3A7515B75083D3524D61CADB1AB915F1F1464C7CC7EA515E78B');
INSERT INTO "records" VALUES(6,'{"at":1800000000000,"session":"0198c0de000070008000000000000002","event":"session_changed","from":"active","state":"suspended","reason":"login ended"}',X'658DF869510BAB7160C80383524CE4B11C7274A39F10102E8340C6B41E9F4CA4',X'0198C0DE000070008000000000000002',X'4033A3AB1198DDE89DA49421725ED5CA97F29658B3AF85F81B7A1157DC08AAAD');
INSERT INTO "records" VALUES(7,'{"at":1800000000000,"session":"0198c0de000070008000000000000003","event":"session_changed","from":"active","state":"ended"}',X'FFE8AA2A5F70EA8908E19978CE444C92141EC6F6BA9C72C38C4ADCFAD3BAB595',X'0198C0DE000070008000000000000003',X'6F55C8C59F6D103AD3CD60B42AEBE42BF7E831D06718BAC77EB59D4F84312CD8');
INSERT INTO "records" VALUES(8,'{"at":1800000000001,"session":"0198c0de000070008000000000000001","event":"token_issued","lease":{"id":"00000000000000000000000000000001","session":"0198c0de000070008000000000000001","credential":"orders","grant":{"scopes":["orders:read"],"audience":"https://orders.example.test","lifetime":60},"expires":1800000060},"user":{"issuer":"https://id.example.test","subject":"alice"},"policies":["dev-may-read"],"reason":"for task 1","caller":{"uid":1000,"pid":4242,"started":77}}',X'CEEE9D470D961E7913F6EF0A9917D0DFFC323B7FB63EFF551E8FBF8CEC0E695A',NULL,NULL);
INSERT INTO "records" VALUES(9,'{"at":1800000000009,"event":"policies_loaded","digest":"0000000000000000000000000000000000000000000000000000000000000000","policies":9}',X'E84D569FEC5AE87D4A47E1E5E82874C08A72E158F80BDEC48C1D17E315DB534C','default',X'07BAC62F69589FCEF02A6B7F7435A674800C28617F845B8053F7843A2F828890');
INSERT INTO "records" VALUES(10,'{"at":1800000000000,"event":"policies_loaded","digest":"0000000000000000000000000000000000000000000000000000000000000000","policies":0}',X'201908C5AC6BA6323DCE271DA8583CC811514223604BE5B9923F0F09CCFAF091',NULL,NULL);
CREATE TABLE room (
    taken BLOB NOT NULL
) STRICT;
CREATE TABLE sessions (
    id BLOB NOT NULL UNIQUE,
    live INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    session TEXT NOT NULL
) STRICT;
INSERT INTO "sessions" VALUES(X'0198C0DE000070008000000000000001',1,3,'{"id":"0198c0de000070008000000000000001","account":"default","user":{"id":{"issuer":"https://id.example.test","subject":"alice"},"display":"Alice","groups":["dev"]},"agent":"coder","workspace":null,"pins":{},"started":{"unix_ms":1800000000000,"boot_us":3600000000,"boot":1},"deadline":{"unix_ms":1800003600000,"boot_us":7200000000,"boot":1},"state":{"state":"active"}}');
INSERT INTO "sessions" VALUES(X'0198C0DE000070008000000000000002',1,6,'{"id":"0198c0de000070008000000000000002","account":"default","user":{"id":{"issuer":"https://id.example.test","subject":"alice"},"display":"Alice","groups":["dev"]},"agent":"coder","workspace":null,"pins":{},"started":{"unix_ms":1800000000000,"boot_us":3600000000,"boot":1},"deadline":{"unix_ms":1800003600000,"boot_us":7200000000,"boot":1},"state":{"state":"suspended","reason":"login ended"}}');
INSERT INTO "sessions" VALUES(X'0198C0DE000070008000000000000003',0,7,'{"id":"0198c0de000070008000000000000003","account":"default","user":{"id":{"issuer":"https://id.example.test","subject":"alice"},"display":"Alice","groups":["dev"]},"agent":"coder","workspace":null,"pins":{},"started":{"unix_ms":1800000000000,"boot_us":3600000000,"boot":1},"deadline":{"unix_ms":1800003600000,"boot_us":7200000000,"boot":1},"state":{"state":"ended"}}');
CREATE INDEX changes ON records (subject) WHERE subject IS NOT NULL;
CREATE VIEW told AS SELECT
    sequence,
    datetime(json_extract(record, '$.at') / 1000, 'unixepoch') AS at,
    json_extract(record, '$.event') AS event,
    json_extract(record, '$.session') AS session,
    json_extract(record, '$.request') AS request,
    record
FROM records;
CREATE INDEX live_sessions ON sessions (id) WHERE live = 1;
COMMIT;
PRAGMA application_id = 1447773529;
PRAGMA user_version = 2;
