BEGIN TRANSACTION;
CREATE TABLE ad_shows (
	slot BIGINT NOT NULL, 
	ad VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (slot, ad)
)
 WITHOUT ROWID

;
INSERT INTO "ad_shows" VALUES(1789999200,'ad-1',1);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0008');
CREATE TABLE bans (
	chat_id BIGINT NOT NULL, 
	banned_by BIGINT NOT NULL, 
	banned_at BIGINT NOT NULL, 
	PRIMARY KEY (chat_id)
);
INSERT INTO "bans" VALUES(99,1,1790000000);
CREATE TABLE broadcasts (
	id INTEGER NOT NULL, 
	bot_id BIGINT NOT NULL, 
	admin_id BIGINT NOT NULL, 
	message_id BIGINT, 
	card_id BIGINT, 
	buttons TEXT, 
	audience TEXT NOT NULL, 
	is_silent BOOLEAN NOT NULL, 
	is_paid BOOLEAN NOT NULL, 
	state VARCHAR NOT NULL, 
	starts_at BIGINT NOT NULL, 
	confirmed_at BIGINT, 
	listed_up_to BIGINT, 
	total INTEGER NOT NULL, 
	sent INTEGER NOT NULL, 
	blocked INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	unknown INTEGER NOT NULL, 
	trouble VARCHAR, 
	owner VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO "broadcasts" VALUES(1,1,1,5,6,NULL,'{"chats": "groups", "lang": null, "active_days": null, "referral": null}',0,0,'running',0,1790000000,NULL,1,0,0,0,0,NULL,NULL);
CREATE TABLE cached_posts (
	bot_id BIGINT NOT NULL, 
	platform VARCHAR NOT NULL, 
	post_id VARCHAR NOT NULL, 
	variant VARCHAR NOT NULL, 
	version INTEGER NOT NULL, 
	files TEXT, 
	about TEXT NOT NULL, 
	refreshed_at BIGINT NOT NULL, 
	used_at BIGINT NOT NULL, 
	PRIMARY KEY (bot_id, platform, post_id, variant)
);
INSERT INTO "cached_posts" VALUES(1,'tiktok','7300000000000000001','media/best',1,'[{"kind": "video", "file_id": "BAADvideo", "label": "1/2"}, {"kind": "photo", "file_id": "AgADphoto", "label": ""}]','{"url": "https://www.tiktok.com/@demo/video/7300000000000000001", "author": "demo", "text": "Grüße <b>", "likes": 5, "views": null, "kinds": "cp", "has_sound": true, "is_sensitive": true, "is_processed": true}',1790000000,1790000000);
CREATE TABLE faults (
	code VARCHAR NOT NULL, 
	at BIGINT NOT NULL, 
	doing VARCHAR NOT NULL, 
	traceback TEXT NOT NULL, 
	PRIMARY KEY (code)
);
INSERT INTO "faults" VALUES('ABCD2345',1790000000,'download','ValueError: demo
');
CREATE TABLE flights (
	bot_id BIGINT NOT NULL, 
	platform VARCHAR NOT NULL, 
	post_id VARCHAR NOT NULL, 
	variant VARCHAR NOT NULL, 
	owner VARCHAR NOT NULL, 
	PRIMARY KEY (bot_id, platform, post_id, variant)
);
INSERT INTO "flights" VALUES(1,'tiktok','7300000000000000009','media/best','worker-gone');
CREATE TABLE inline_messages (
	inline_id VARCHAR NOT NULL, 
	owner_id BIGINT NOT NULL, 
	what TEXT NOT NULL, 
	post_id VARCHAR, 
	made_at BIGINT NOT NULL, 
	PRIMARY KEY (inline_id)
);
INSERT INTO "inline_messages" VALUES('AgAAAinline',42,'{"kind": "post", "chat_id": 42, "message_id": 0, "is_private": true, "asked_at": 1790000000, "lang": "hi", "file_mode": false, "asker": "", "inline_id": "AgAAAinline", "is_recorded": true, "link": ["reddit", "https://redd.it/demo1", "demo1"]}','demo1',1790000000);
CREATE TABLE music (
	pk_id INTEGER NOT NULL, 
	user_id BIGINT NOT NULL, 
	downloaded_at BIGINT, 
	video_id BIGINT NOT NULL, 
	PRIMARY KEY (pk_id), 
	FOREIGN KEY(user_id) REFERENCES users (user_id)
);
INSERT INTO "music" VALUES(1,42,1790000000,7300000000000000001);
CREATE TABLE notes (
	name VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "notes" VALUES('rollups','1');
INSERT INTO "notes" VALUES('demo','on');
CREATE TABLE outcomes (
	slot BIGINT NOT NULL, 
	platform VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	PRIMARY KEY (slot, platform, outcome)
)
 WITHOUT ROWID

;
INSERT INTO "outcomes" VALUES(1789999200,'tiktok','CalledOffError',2);
INSERT INTO "outcomes" VALUES(1789999200,'tiktok','known',3);
INSERT INTO "outcomes" VALUES(1789999200,'x','fetched',1);
CREATE TABLE recipients (
	broadcast_id INTEGER NOT NULL, 
	chat_id INTEGER NOT NULL, 
	outcome VARCHAR NOT NULL, 
	PRIMARY KEY (broadcast_id, chat_id)
)
 WITHOUT ROWID

;
INSERT INTO "recipients" VALUES(1,-1001,'waiting');
CREATE TABLE requests (
	id INTEGER NOT NULL, 
	bot_id BIGINT NOT NULL, 
	update_id BIGINT NOT NULL, 
	number INTEGER NOT NULL, 
	chat_id BIGINT NOT NULL, 
	asked_at BIGINT NOT NULL, 
	what TEXT NOT NULL, 
	progress TEXT, 
	owner VARCHAR, 
	attempts INTEGER NOT NULL, 
	finished_at BIGINT, 
	outcome VARCHAR, 
	PRIMARY KEY (id), 
	UNIQUE (bot_id, update_id, number)
);
INSERT INTO "requests" VALUES(1,1,500,0,42,1790000000,'{"kind": "post", "chat_id": 42, "message_id": 7, "is_private": true, "asked_at": 1790000000, "lang": "de", "file_mode": false, "asker": "", "is_recorded": true, "link": ["tiktok", "https://www.tiktok.com/@demo/video/7300000000000000001", "7300000000000000001"]}',NULL,'worker-gone',1,NULL,NULL);
INSERT INTO "requests" VALUES(2,1,500,1,42,1790000000,'{"kind": "sound", "chat_id": 42, "message_id": 8, "is_private": true, "asked_at": 1790000000, "lang": "en", "file_mode": true, "asker": "", "is_recorded": true, "link": ["tiktok", "https://www.tiktok.com/@demo/video/7300000000000000001", "7300000000000000001"], "press": ["id/7300000000000000001", "{\"inline_keyboard\": []}"]}',NULL,'worker-gone',0,NULL,NULL);
INSERT INTO "requests" VALUES(3,1,500,2,-1001,1790000000,'{"kind": "slides", "chat_id": -1001, "message_id": 9, "is_private": false, "asked_at": 1790000000, "lang": "ar", "file_mode": false, "asker": "Ada & <Co>", "thread_id": 3, "is_recorded": false, "link": ["instagram", "https://www.instagram.com/p/Cdemo/", "Cdemo"], "wishes": "{\"quality\": \"720p\", \"describe\": true, \"muted\": [\"tiktok\", \"x\"], \"album_cap\": 10, \"delete_request\": true, \"silent\": true, \"spoiler\": true, \"only_mentioned\": true}"}','[[11, 12, 0], 4, 2, false]','worker-gone',0,NULL,NULL);
INSERT INTO "requests" VALUES(4,1,500,3,42,1790000000,'{"kind": "post", "chat_id": 42, "message_id": 0, "is_private": true, "asked_at": 1790000000, "lang": "uk", "file_mode": false, "asker": "", "business_id": "biz-1", "is_recorded": true, "link": ["tiktok", "https://vm.tiktok.com/ZMdemo/", null]}','[[11], 1, null, true]',NULL,0,1790000000,'delivered');
INSERT INTO "requests" VALUES(5,1,500,4,42,1790000000,'{"kind": "post", "chat_id": 42, "message_id": 0, "is_private": true, "asked_at": 1790000000, "lang": "hi", "file_mode": false, "asker": "", "inline_id": "AgAAAinline", "is_recorded": true, "link": ["reddit", "https://redd.it/demo1", "demo1"]}','[[], 0, null, false]',NULL,0,1790000000,'CalledOffError');
CREATE TABLE stats (
	slot INTEGER NOT NULL, 
	is_group BOOLEAN NOT NULL, 
	chats INTEGER NOT NULL, 
	posts INTEGER NOT NULL, 
	post_chats INTEGER NOT NULL, 
	slideshows INTEGER NOT NULL, 
	slideshow_chats INTEGER NOT NULL, 
	inline_posts INTEGER NOT NULL, 
	sounds INTEGER NOT NULL, 
	sound_chats INTEGER NOT NULL, 
	PRIMARY KEY (slot, is_group)
)
 WITHOUT ROWID

;
INSERT INTO "stats" VALUES(1789999200,0,2,1,1,0,0,0,1,1);
INSERT INTO "stats" VALUES(1789999200,1,1,0,0,0,0,0,0,0);
CREATE TABLE users (
	user_id INTEGER NOT NULL, 
	registered_at BIGINT, 
	lang VARCHAR NOT NULL, 
	link VARCHAR, 
	file_mode BOOLEAN NOT NULL, 
	ad_count INTEGER NOT NULL, 
	ad_cooldown BIGINT NOT NULL, blocked_at BIGINT, wishes TEXT, posts INTEGER DEFAULT '0' NOT NULL, slideshows INTEGER DEFAULT '0' NOT NULL, sounds INTEGER DEFAULT '0' NOT NULL, post_at BIGINT, slideshow_at BIGINT, sound_at BIGINT, 
	PRIMARY KEY (user_id)
);
INSERT INTO "users" VALUES(-1001,1790000000,'ar',NULL,0,0,0,NULL,'{"quality": "720p", "describe": true, "muted": ["tiktok", "x"], "album_cap": 10, "delete_request": true, "silent": true, "spoiler": true, "only_mentioned": true}',0,0,0,NULL,NULL,NULL);
INSERT INTO "users" VALUES(42,1790000000,'de','flyer',1,1,1790086400,NULL,NULL,1,0,1,1790000000,NULL,1790000000);
INSERT INTO "users" VALUES(77,1790000000,'en',NULL,0,0,0,1790000000,NULL,0,0,0,NULL,NULL,NULL);
CREATE TABLE videos (
	pk_id INTEGER NOT NULL, 
	user_id BIGINT NOT NULL, 
	downloaded_at BIGINT, 
	video_link VARCHAR NOT NULL, 
	is_images BOOLEAN NOT NULL, 
	is_processed BOOLEAN NOT NULL, 
	is_inline BOOLEAN NOT NULL, 
	PRIMARY KEY (pk_id), 
	FOREIGN KEY(user_id) REFERENCES users (user_id)
);
INSERT INTO "videos" VALUES(1,42,1790000000,'https://www.tiktok.com/@demo/video/7300000000000000001',0,0,0);
CREATE TABLE workers (
	name VARCHAR NOT NULL, 
	alive_until BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE INDEX ix_users_link ON users (link) WHERE link IS NOT NULL;
CREATE INDEX ix_users_lang ON users (lang);
CREATE INDEX ix_users_file_mode ON users (user_id) WHERE file_mode = 1;
CREATE INDEX ix_videos_user ON videos (user_id, downloaded_at, is_images);
CREATE INDEX ix_videos_time ON videos (downloaded_at);
CREATE INDEX ix_music_user ON music (user_id);
CREATE INDEX ix_cached_posts_used ON cached_posts (used_at);
CREATE INDEX ix_requests_open ON requests (bot_id) WHERE finished_at IS NULL;
CREATE INDEX ix_requests_finished ON requests (finished_at);
CREATE INDEX ix_broadcasts_admin ON broadcasts (admin_id, card_id);
CREATE INDEX ix_users_posts ON users (posts) WHERE posts > 0;
CREATE INDEX ix_faults_at ON faults (at);
COMMIT;
