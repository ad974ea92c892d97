"""What each form of a link is: a post, a short link, another page of the site, or nothing of it."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platforms import PageKind, load_registry
from platforms._mirrors import original_url
from tests.links import EXAMPLES, REGISTRY

#: A short link, whose post is not known before it is resolved.
SHORT = "short"

P = PageKind

TIKTOK = {
    "https://www.tiktok.com/@ferry/video/73": "73",
    "https://www.tiktok.com/@ferry/photo/73?is_from_webapp=1": "73",
    "https://www.tiktok.com/video/73": "73",
    "https://www.tiktok.com/photo/73/": "73",
    "https://www.tiktok.com/%40ferry/video/73": "73",
    "https://www.tiktok.com//@ferry///video/73": "73",
    "https://www.tiktok.com/%40ferry": P.PROFILE,
    "https://www.tiktok.com/en/@ferry/video/73": "73",
    "https://www.tiktok.com/zh-Hant-TW/@ferry/video/73": P.OTHER,
    "https://www.tiktok.com/pt-BR/@ferry/video/73": "73",
    "https://t.tiktok.com/i18n/share/video/73/": "73",
    "https://m.tiktok.com/h5/share/video/73.html": "73",
    "https://m.tiktok.com/h5/share/item/73.html": "73",
    "https://m.tiktok.com/v/73.html": "73",
    "https://lite.tiktok.com/@ferry/video/73": "73",
    "https://us.tiktok.com/@ferry/video/73": "73",
    "https://web.tiktok.com/@ferry/video/73": "73",
    "https://www.tiktok.com/login?redirect_url=https%3A%2F%2Fm.tiktok.com%2Fv%2F73.html": "73",
    "https://www.tiktok.com/login?redirect_url=%2F%40a%2Fvideo%2F73": "73",
    "https://www.tiktok.com/@ferry/video/73&is_from_webapp=1": "73",
    "https://www.tiktok.com/@ferry/video/73%3Fis_from_webapp%3D1": "73",
    "https://www.tiktok.com/foryou?is_from_webapp=v1&item_id=73": "73",
    "https://www.tiktok.com/de-DE/foryou?item_id=73": "73",
    "https://www.tiktok.com/foryou?is_copy_url=1#/@ferry/video/73": "73",
    "https://www.tiktok.com/following/?item_id=73": "73",
    "https://www.tiktok.com/?item_id=73&sender_device=pc": "73",
    "https://www.tiktok.com/foryou?item_id=x": P.TAG,
    "https://www.tiktok.com/foryou": P.TAG,
    "https://vm.tiktok.com/ZMabc&share_app_id=1": SHORT,
    "https://lite.tiktok.com/t/ZSabc/": SHORT,
    "https://www.tiktok.com/@ferry": P.PROFILE,
    "https://www.tiktok.com/@ferry?lang=en": P.PROFILE,
    "https://m.tiktok.com/h5/share/usr/6800.html": P.PROFILE,
    "https://www.tiktok.com/share/user/6800": P.PROFILE,
    "https://www.tiktok.com/@ferry/live": P.LIVE,
    "https://m.tiktok.com/share/live/73": P.LIVE,
    "https://www.tiktok.com/tag/ferry": P.TAG,
    "https://www.tiktok.com/discover/video": P.TAG,
    "https://www.tiktok.com/search?q=ferry": P.TAG,
    "https://www.tiktok.com/explore": P.TAG,
    "https://www.tiktok.com/music/original-sound-73": P.AUDIO,
    "https://www.tiktok.com/@ferry/playlist/x-73": P.LIST,
    "https://www.tiktok.com/@ferry/collection/x-73": P.LIST,
    "https://www.tiktok.com/hk/notfound": P.REGION_BLOCKED,
    "https://www.tiktok.com/in/about": P.REGION_BLOCKED,
    "https://www.tiktok.com/": P.OTHER,
    "https://www.tiktok.com/legal/page": P.OTHER,
    "https://www.tiktok.com/login?redirect_url=https%3A%2F%2Fevil.example%2Fv%2F73": P.OTHER,
    "https://www.tiktok.com/@ferry/video/73x": P.OTHER,
    "https://www.tiktok.com/@ferry/video/٧٣": P.OTHER,
    "https://vm.tiktok.com/": P.OTHER,
    "https://nottiktok.com/@a/video/73": None,
    "https://tiktok.com.evil.example/@a/video/73": None,
    "https://tiktok.com@127.0.0.1/@a/video/73": None,
}

INSTAGRAM = {
    "https://www.instagram.com/p/DemoPhoto01/?img_index=2": "DemoPhoto01",
    "https://www.instagram.com/p/DemoPhoto0_": "DemoPhoto0_",
    "https://www.instagram.com/reel/DemoReel001/": "DemoReel001",
    "https://www.instagram.com/ferry.demo/reel/DemoReel001/": "DemoReel001",
    "https://www.instagram.com/ferry.demo/p/DemoPhoto01/": "DemoPhoto01",
    "https://www.instagram.com/en-US/p/DemoPhoto01/": "DemoPhoto01",
    "https://instagr.am/p/DemoPhoto01": "DemoPhoto01",
    "https://web.instagram.com/p/DemoPhoto01/": "DemoPhoto01",
    "https://www.instagram.com/reel/DemoReel001&igsh=abc": "DemoReel001",
    "https://www.instagram.com/reel/DemoReel001/&igsh=abc==": "DemoReel001",
    "https://www.instagram.com/reel/DemoReel001%3Figsh%3Dabc": "DemoReel001",
    "https://www.instagram.com/ferry.demo&hl=en": P.PROFILE,
    "https://www.instagram.com/accounts/login/?next=/p/DemoPhoto01/": "DemoPhoto01",
    "https://www.instagram.com/accounts/login/?next=%2Freel%2FDemoReel001%2F%3Figsh%3Dx": (
        "DemoReel001"
    ),
    "https://www.instagram.com/challenge/?next=%2Faccounts%2Flogin%2F%3Fnext%3D%252Fp%252FDemo1": (
        "Demo1"
    ),
    "https://www.instagram.com/challenge/?next=https%253A%252F%252Finstagr.am%252Fp%252FDemo1": (
        "Demo1"
    ),
    "https://www.instagram.com/stories/ferry.demo/37/": "stories.ferry.demo.37",
    "https://www.instagram.com/share/reel/DemoShare1": SHORT,
    "https://www.instagram.com/stories/ferry.demo/": "stories:ferry.demo",
    "https://www.instagram.com/stories/ferry.demo?igsh=x": "stories:ferry.demo",
    "https://www.instagram.com/stories/ferry.demo/37x/": P.STORIES,
    "https://www.instagram.com/stories/": P.STORIES,
    "https://www.instagram.com/stories/highlights/18090946048123978/": (
        "highlights:18090946048123978"
    ),
    "https://www.instagram.com/stories/highlights/": P.HIGHLIGHTS,
    "https://www.instagram.com/stories/highlights/x/": P.HIGHLIGHTS,
    "https://www.instagram.com/s/aGlnaGxpZ2h0OjE4?story_media_id=37_1&igsh=x": "highlights:18",
    "https://www.instagram.com/s/aGlnaGxpZ2h0OjE3ODU=": "highlights:1785",
    "https://www.instagram.com/s/aGlnaGxpZ2h0OjE3ODU/": "highlights:1785",
    "https://www.instagram.com/s/aGlnaGxpZ2h0Og": P.HIGHLIGHTS,
    "https://www.instagram.com/s/abcde": P.HIGHLIGHTS,
    "https://www.instagram.com/s/_-_-": P.HIGHLIGHTS,
    "https://www.instagram.com/s/": P.HIGHLIGHTS,
    "https://www.instagram.com/ferry.demo/": P.PROFILE,
    "https://www.instagram.com/ferry.demo?igsh=x": P.PROFILE,
    "https://www.instagram.com/ferry.demo/reels/": P.PROFILE,
    "https://www.instagram.com/ferry.demo/live/": P.LIVE,
    "https://www.instagram.com/explore/tags/ferry/": P.TAG,
    "https://www.instagram.com/explore/": P.TAG,
    "https://www.instagram.com/reels/audio/123456/": P.AUDIO,
    "https://www.instagram.com/ferry.demo/guide/x/17/": P.LIST,
    "https://www.instagram.com/": P.OTHER,
    "https://www.instagram.com/accounts/login/": P.OTHER,
    "https://api.instagram.com/p/DemoPhoto01/": P.OTHER,
    "https://www.instagram.com.evil.example/p/DemoPhoto01/": None,
    "https://notinstagram.com/p/DemoPhoto01/": None,
}

THREADS = {
    "https://www.threads.com/@ferry.demo/post/DemoThread1": "DemoThread1",
    "https://www.threads.net/@ferry.demo/post/DemoThread1/?xmt=x&slof=1": "DemoThread1",
    "https://threads.net/@ferry.demo/post/DemoThread1/media": "DemoThread1",
    "https://threads.com/t/DemoThread1/": "DemoThread1",
    "https://www.fixthreads.net/@ferry.demo/post/DemoThread1": "DemoThread1",
    "https://vxthreads.net/@ferry.demo/post/DemoThread1": "DemoThread1",
    "https://www.threads.com/login/?next=%2F%40ferry.demo%2Fpost%2FDemoThread1": "DemoThread1",
    "https://www.threads.com/@ferry.demo/post/DemoThread1&xmt=x": "DemoThread1",
    "https://www.threads.com/ferry.demo/post/DemoThread1": "DemoThread1",
    "https://www.threads.net/ferry.demo/post/DemoThread1/?xmt=x": "DemoThread1",
    "https://www.threads.com/%40ferry.demo/post/DemoThread1": "DemoThread1",
    "https://www.threads.com/@ferry.demo/post/DemoThread1/embed": "DemoThread1",
    "https://www.threads.com/%40ferry.demo": P.PROFILE,
    "https://www.threads.com/intent/post?text=boats": P.OTHER,
    "https://www.threads.com/a/b/post/DemoThread1": P.OTHER,
    "https://threads.com.evil.example/ferry.demo/post/DemoThread1": None,
    "https://www.threads.com/share/DemoShare1/": SHORT,
    "https://www.threads.com/@ferry.demo": P.PROFILE,
    "https://www.threads.com/@ferry.demo/replies": P.PROFILE,
    "https://www.threads.com/search?q=boats": P.TAG,
    "https://www.threads.com/tag/boats": P.TAG,
    "https://www.threads.com/custom_feed/17": P.LIST,
    "https://www.threads.com/": P.OTHER,
    "https://www.threads.com/@ferry.demo/post/": P.OTHER,
    "https://help.threads.com/t/DemoThread1": P.OTHER,
    "https://l.threads.com/?u=https%3A%2F%2Fwww.threads.com%2Ft%2FDemoThread1": "DemoThread1",
    "https://notthreads.com/t/DemoThread1": None,
    "https://threads.com.evil.example/t/DemoThread1": None,
}

TUMBLR = {
    "https://www.tumblr.com/ferry-demo/730000000000000001": "ferry-demo/730000000000000001",
    "https://www.tumblr.com/Ferry-Demo/730000001/a-crossing?source=share": "ferry-demo/730000001",
    "https://tumblr.com/ferry-demo/730000001/": "ferry-demo/730000001",
    "https://www.tumblr.com/blog/view/ferry-demo/730000001": "ferry-demo/730000001",
    "https://www.tumblr.com/blog/ferry-demo/730000001": "ferry-demo/730000001",
    "https://www.tumblr.com/dashboard/blog/ferry-demo/730000001": "ferry-demo/730000001",
    "https://ferry-demo.tumblr.com/post/730000001": "ferry-demo/730000001",
    "https://ferry-demo.tumblr.com/post/730000001/a-crossing#notes": "ferry-demo/730000001",
    "https://ferry-demo.tumblr.com/image/730000001": "ferry-demo/730000001",
    "https://ferry-demo.tumblr.com/post/730000001&x=1": "ferry-demo/730000001",
    "https://at.tumblr.com/ferry-demo/a-crossing/demo0001": SHORT,
    "https://tmblr.co/ZDemo01": SHORT,
    "https://www.tumblr.com/ferry-demo": P.PROFILE,
    "https://www.tumblr.com/blog/view/ferry-demo": P.PROFILE,
    "https://ferry-demo.tumblr.com/": P.PROFILE,
    "https://ferry-demo.tumblr.com/archive": P.PROFILE,
    "https://www.tumblr.com/tagged/boats": P.TAG,
    "https://ferry-demo.tumblr.com/tagged/boats": P.TAG,
    "https://www.tumblr.com/search/boats": P.TAG,
    "https://www.tumblr.com/communities/boats": P.LIST,
    "https://www.tumblr.com/live/1": P.LIVE,
    "https://www.tumblr.com/tagged/730000001": P.TAG,
    "https://embed.tumblr.com/embed/post/t:9NYdemo01/730000001/v2": P.UNNAMED,
    "https://embed.tumblr.com/embed/post/demo_01-A/730000001?width=542": P.UNNAMED,
    "https://embed.tumblr.com/": P.PROFILE,
    "https://www.tumblr.com/dashboard": P.OTHER,
    "https://www.tumblr.com/": P.OTHER,
    "https://64.media.tumblr.com/a/b.jpg": P.OTHER,
    "https://api.tumblr.com/": P.OTHER,
    "https://nottumblr.com/ferry-demo/730000001": None,
    "https://tumblr.com.evil.example/ferry-demo/730000001": None,
}

FACEBOOK = {
    "https://www.facebook.com/reel/73": "73",
    "https://www.facebook.com/reels/73/": "73",
    "https://www.facebook.com/reel/73&mibextid=x": "73",
    "https://www.facebook.com/watch/%3Fv%3D73": "73",
    "https://www.facebook.com/watch/?ref=x&amp;v=73": "73",
    "https://www.facebook.com/home.php#!/video.php?v=73": "73",
    "https://www.facebook.com/A&B/videos/73": "73",
    "https://www.facebook.com/plugins/video.php?href=https%3A%2F%2Fwww.facebook.com%2Fx%2Fvideos"
    "%2F73%2F&show_text=0": "73",
    "https://www.facebook.com/reels/": P.OTHER,
    "https://www.facebook.com/reels/audio/73/": P.AUDIO,
    "https://www.facebook.com/watch/?v=73&ref=x": "73",
    "https://www.facebook.com/watch/live/?ref=x&v=73": "73",
    "https://www.facebook.com/ferry/videos/a-crossing/73/": "73",
    "https://www.facebook.com/video.php?v=73": "73",
    "https://de-de.facebook.com/reel/73": "73",
    "https://fb.com/reel/73": "73",
    "https://www.facebook.com/ferry/posts/73": "ferry/posts/73",
    "https://www.facebook.com/ferry/posts/a-crossing/pfbid02x?rdid=1": "ferry/posts/pfbid02x",
    "https://www.facebook.com/100000001_200000002": "100000001/posts/200000002",
    "https://www.facebook.com/100000001_200000002x": P.PROFILE,
    "https://www.facebook.com/groups/1/posts/2/": "groups/1/posts/2",
    "https://www.facebook.com/groups/ferries/permalink/2/": "groups/ferries/posts/2",
    "https://www.facebook.com/groups/1/?multi_permalinks=2": "groups/1/posts/2",
    "https://m.facebook.com/story.php?story_fbid=2&id=1": "1/posts/2",
    "https://mbasic.facebook.com/story.php?id=1&story_fbid=pfbid02x": "1/posts/pfbid02x",
    "https://touch.facebook.com/permalink.php?story_fbid=2&id=1": "1/posts/2",
    "https://www.facebook.com/login/?next=https%3A%2F%2Fwww.facebook.com%2Freel%2F73": "73",
    "https://www.facebook.com/share/abcDEF123/": SHORT,
    "https://www.facebook.com/share/p/abcDEF123/": SHORT,
    "https://www.facebook.com/share/v/abcDEF123/?mibextid=x": SHORT,
    "https://web.facebook.com/share/r/abcDEF123/": SHORT,
    "https://fb.watch/abc_1/": SHORT,
    "https://fb.watch/v/abc_1/": SHORT,
    "https://fb.watch/v/": P.OTHER,
    "https://fb.me/3abcDEF12": SHORT,
    "http://www.fb.me/abcdef?x=1": SHORT,
    "https://fb.me/react-warning-keys": P.OTHER,
    "https://fb.me/react-0.14.6.min.js": P.OTHER,
    "https://fb.me/e/abcDEF12": P.OTHER,
    "https://fb.me/": P.OTHER,
    "https://notfb.me/3abcDEF12": None,
    "https://www.facebook.com/video/embed?video_id=73": "73",
    "https://m.facebook.com/groups/1?view=permalink&id=2&_rdr": "groups/1/posts/2",
    "https://www.facebook.com/groups/ferries/?id=2&comment_id=3&view=permalink": (
        "groups/ferries/posts/2"
    ),
    "https://www.facebook.com/groups/1/?view=info&id=2": P.LIST,
    "https://mbasic.facebook.com/photo/view_full_size/?fbid=73&ref_page=x": "photo/73",
    "https://m.facebook.com/photos/viewer/?photoset_token=pcb.2&photo=73": "photo/73",
    "https://www.facebook.com/photo.php?fbid=73&set=a.1": "photo/73",
    "https://www.facebook.com/photo/?fbid=73&set=a.1": "photo/73",
    "https://www.facebook.com/photo?set=pcb.2&fbid=73": "photo/73",
    "https://www.facebook.com/photo.php?fbid=73": "photo/73",
    "https://m.facebook.com/photo.php?id=1&fbid=73&set=a.1&_rdr": "photo/73",
    "https://www.facebook.com/ferry/photos/73": "photo/73",
    "https://www.facebook.com/ferry/photos/a.1/73/?type=3": "photo/73",
    "https://www.facebook.com/ferry/photos/gm.2/73/": "photo/73",
    "https://www.facebook.com/1/photos/pcb.2/73/?type=3&theater": "photo/73",
    "https://www.facebook.com/ferry/photos/a-crossing/73/": "photo/73",
    "https://www.facebook.com/login/?next=https%3A%2F%2Fwww.facebook.com%2Fphoto%2F%3Ffbid%3D73": (
        "photo/73"
    ),
    "https://www.facebook.com/photo/posts/73": "photo/posts/73",
    "https://www.facebook.com/photo/?fbid=": P.OTHER,
    "https://www.facebook.com/ferry/photos/a.1/": P.LIST,
    "https://www.facebook.com/ferry/photos/pcb.1/?type=3": P.LIST,
    "https://www.facebook.com/ferry/photos/a.1x/": P.PROFILE,
    "https://www.facebook.com/ferry/photos/?tab=album&album_id=1": P.LIST,
    "https://www.facebook.com/ferry/photos/?tab=albums": P.PROFILE,
    "https://www.facebook.com/ferry/media_set?set=a.1.2.3&type=3": P.LIST,
    "https://www.facebook.com/media_set?set=a.1": P.LIST,
    "https://www.facebook.com/ferry/media_set?set=pb.1": P.LIST,
    "https://www.facebook.com/album.php?fbid=1&id=2&aid=3": P.LIST,
    "https://scontent-fra5-1.xx.fbcdn.net/v/t39/1_n.jpg?oh=00": P.UNNAMED,
    "https://www.facebook.com.evil.example/media_set?set=a.1": None,
    "https://fbcdn.net.evil.example/v/1_n.jpg": None,
    "https://www.facebook.com/ferry/photos/73x/": P.PROFILE,
    "https://www.facebook.com/groups/photos/photos/73/": P.LIST,
    "https://www.facebook.com/media/set/?set=pcb.73": P.LIST,
    "https://www.facebook.com/ferry": P.PROFILE,
    "https://www.facebook.com/profile.php?id=73": P.PROFILE,
    "https://www.facebook.com/people/Ada-Ferry/73/": P.PROFILE,
    "https://www.facebook.com/stories/1/2/": P.STORIES,
    "https://www.facebook.com/hashtag/ferry": P.TAG,
    "https://www.facebook.com/groups/ferries": P.LIST,
    "https://www.facebook.com/media/set/?set=a.1": P.LIST,
    "https://www.facebook.com/ferry/live/": P.LIVE,
    "https://www.facebook.com/": P.OTHER,
    "https://www.facebook.com/watch/": P.OTHER,
    "https://www.facebook.com/events/73": P.OTHER,
    "https://www.facebook.com/share/": P.OTHER,
    "https://notfacebook.com/reel/73": None,
    "https://facebook.com.evil.example/reel/73": None,
}

REDDIT = {
    "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/": "1demo01",
    "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/kx1/?context=3": "1demo01",
    "https://old.reddit.com/r/ferries/comments/1demo01/": "1demo01",
    "https://np.reddit.com/r/ferries/comments/1demo01/": "1demo01",
    "https://new.reddit.com/r/ferries/comments/1demo01/": "1demo01",
    "https://sh.reddit.com/r/ferries/comments/1demo01/": "1demo01",
    "https://i.reddit.com/r/ferries/comments/1demo01/": "1demo01",
    "https://amp.reddit.com/r/ferries/comments/1demo01/": "1demo01",
    "https://www.reddit.com/user/ferry/comments/1demo01/x/": "1demo01",
    "https://www.reddit.com/comments/1demo01": "1demo01",
    "https://www.reddit.com/gallery/1demo01": "1demo01",
    "https://www.reddit.com/1demo01": "1demo01",
    "https://old.reddit.com/1DEMO01/?share_id=x": "1demo01",
    "https://reddit.com/abc1d2": "abc1d2",
    "https://www.reddit.com/premium": P.OTHER,
    "https://www.reddit.com/1demo01/x": P.OTHER,
    "https://www.reddit.com/1demo01_x": P.OTHER,
    "https://www.reddit.com/2024": P.OTHER,
    "https://www.reddit.com/123456789": P.OTHER,
    "https://notreddit.com/1demo01": None,
    "https://www.reddit.com/r/ferries/gallery/1demo01": "1demo01",
    "https://www.reddit.com/user/ferry/gallery/1demo01/": "1demo01",
    "https://www.reddit.com/r/ferries/duplicates/1demo01/a_crossing/": "1demo01",
    "https://www.reddit.com/link/1demo01/video/ab12cd/player": "1demo01",
    "https://www.reddit.com/r/ferries/comments/1DEMO01/": "1demo01",
    "https://www.reddit.com/comments/1demo01&utm_source=share": "1demo01",
    "https://redd.it/1DEMO01": "1demo01",
    "https://redd.it/1demo01&x=1": "1demo01",
    "https://redd.it/1demo01": "1demo01",
    "https://i.redd.it/ab12cd.jpeg": "ab12cd.jpeg",
    "https://i.redd.it/ab12cd.gif": "ab12cd.gif",
    "https://preview.redd.it/a-crossing-v0-ab12cd.png?width=640&s=00ff": "ab12cd.png",
    "https://preview.redd.it/%D0%BF%D0%B0%D1%80%D0%BE%D0%BC-v0-ab12cd.png?s=00ff": "ab12cd.png",
    "https://preview.redd.it/v0-ab12cd.png?s=00ff": "ab12cd.png",
    "https://preview.redd.it/ab12cd.gif?format=mp4&s=00ff": "ab12cd.gif",
    "https://i.redd.it/ab12cd.JPG": "ab12cd.JPG",
    "https://i.redd.it/ab12cd.JPEG": "ab12cd.JPEG",
    "https://i.redd.it/a-crossing-v0-ab12cd.PNG?s=00ff": "ab12cd.PNG",
    "https://i.redd.it/ab12cd.exe": P.OTHER,
    "https://external-preview.redd.it/ab12cd.jpg?width=640&s=00ff": P.UNNAMED,
    "https://b.thumbs.redditmedia.com/ab12cd.jpg": P.UNNAMED,
    "https://www.redditmedia.com/r/ferries/comments/1demo01/x/?ref_source=embed": "1demo01",
    "https://embed.reddit.com/r/ferries/comments/1demo01/x/": "1demo01",
    "https://i.redd.it.evil.example/ab12cd.JPG": None,
    "https://notredditmedia.com/r/ferries/comments/1demo01/": None,
    "https://www.reddit.com/media?url=https%3A%2F%2Fi.redd.it%2Fab12cd.jpg": "ab12cd.jpg",
    "https://www.reddit.com/r/ferries/s/AbCd12": SHORT,
    "https://v.redd.it/ab12cd": SHORT,
    "https://www.reddit.com/video/ab12cd": SHORT,
    "https://v.redd.it/ab12cd?source=fallback": SHORT,
    "https://v.redd.it/ab12cd/DASH_720.mp4": SHORT,
    "https://v.redd.it/ab12cd/DASH_720.mp4?source=fallback": SHORT,
    "https://v.redd.it/ab12cd/HLSPlaylist.m3u8?a=1&f=sd": SHORT,
    "https://packaged-media.redd.it/ab12cd/pb/m2-res_720p.mp4?m=DASHPlaylist.mpd&v=1": SHORT,
    "https://v.redd.it/": P.OTHER,
    "https://www.reddit.com/r/ferries/comments/1demo01_x": P.LIST,
    "https://v.redd.it.evil.example/ab12cd/DASH_720.mp4": None,
    "https://www.reddit.com/r/ferries/": P.LIST,
    "https://www.reddit.com/r/ferries/top/?t=all": P.LIST,
    "https://www.reddit.com/user/ferry": P.PROFILE,
    "https://www.reddit.com/u/ferry/": P.PROFILE,
    "https://www.reddit.com/user/ferry/m/boats": P.LIST,
    "https://www.reddit.com/search/?q=ferry": P.TAG,
    "https://www.reddit.com/live/ab12": P.LIVE,
    "https://www.reddit.com/": P.OTHER,
    "https://www.reddit.com/settings": P.OTHER,
    "https://notreddit.com/comments/1demo01": None,
}

X = {
    "https://x.com/ferry/status/73": "73",
    "https://x.com/ferry/status/73/photo/1": "73",
    "https://x.com/ferry/status/73/video/1": "73",
    "https://x.com/i/status/73": "73",
    "https://twitter.com/i/web/status/73": "73",
    "https://twitter.com/statuses/73": "73",
    "https://mobile.twitter.com/ferry/status/73?s=20": "73",
    "https://m.x.com/ferry/status/73": "73",
    "https://x.com/ferry/status/73&s=20": "73",
    "https://x.com/ferry/status/73%3Fs%3D20": "73",
    "https://twitter.com/#!/ferry/status/73": "73",
    "https://mobile.twitter.com#!/ferry/status/73?s=20": "73",
    "https://twitter.com/#!/ferry": P.PROFILE,
    "https://twitter.com/#!//evil.example/ferry/status/73": P.OTHER,
    "https://twitter.com/i/videos/tweet/73": "73",
    "https://x.com/i/flow/login?redirect_after_login=%2Fferry%2Fstatus%2F73": "73",
    "https://x.com/ferry": P.PROFILE,
    "https://x.com/ferry/media": P.PROFILE,
    "https://x.com/hashtag/ferry": P.TAG,
    "https://x.com/search?q=ferry": P.TAG,
    "https://x.com/i/lists/1": P.LIST,
    "https://x.com/i/communities/1": P.LIST,
    "https://x.com/i/broadcasts/1yNGaQLWpejGj": P.LIVE,
    "https://x.com/i/spaces/1OwxWwQOPlNxQ": P.LIVE,
    "https://x.com/home": P.OTHER,
    "https://x.com/": P.OTHER,
    "https://help.x.com/en": P.OTHER,
    "https://x.com/ferry/status/٧٣": P.OTHER,
    "https://notx.com/a/status/73": None,
    "https://x.com/ferry/status/73/mediaViewer?currentTweet=74&currentTweetUser=ferry": "74",
    "https://x.com/ferry/status/73/mediaviewer": "73",
    "https://x.com/i/bookmarks?post_id=73": "73",
    "https://x.com/i/bookmarks": P.LIST,
    "https://twitter.com/intent/like?related=ferry&tweet_id=73": "73",
    "https://twitter.com/intent/like?related=ferry": P.OTHER,
    "https://platform.twitter.com/embed/Tweet.html?dnt=true&embedId=twitter-widget-0&id=73": "73",
    "https://platform.x.com/embed/Tweet.html?id=73": "73",
    "https://platform.twitter.com/embed/Tweet.html?embedId=73": P.OTHER,
    "https://publish.twitter.com/?query=https%3A%2F%2Fx.com%2Fferry%2Fstatus%2F73": "73",
    "https://pic.x.com/AbC12": SHORT,
    "https://pic.twitter.com/AbC12": SHORT,
    "https://pic.x.com/": P.OTHER,
    "https://t.co/abc": P.UNNAMED,
    "https://pbs.twimg.com/media/AbC12?format=jpg&name=orig": P.UNNAMED,
    "https://video.twimg.com/ext_tw_video/73/pu/vid/576x1024/a.mp4": P.UNNAMED,
    "https://nott.co/abc": None,
    "https://t.co.evil.example/abc": None,
    "https://nottwimg.com/media/AbC12": None,
    "https://pic.x.com.evil.example/AbC12": None,
    "https://platform.twitter.com.evil.example/embed/Tweet.html?id=73": None,
    "https://platform.twitter.com@127.0.0.1/embed/Tweet.html?id=73": None,
}

OTHERS = {
    "https://bsky.app/profile/did:plc:ab12/post/3kx": "did:plc:ab12/post/3kx",
    "https://main.bsky.dev/profile/ferry.example/post/3kx": "ferry.example/post/3kx",
    "https://staging.bsky.app/profile/ferry.example/post/3kx": "ferry.example/post/3kx",
    "https://bsky.app/profile/did%3Aplc%3Aab12/post/3kx": "did:plc:ab12/post/3kx",
    "https://bsky.app/profile/did%3aweb%3aferry.example/post/3kx": (
        "did:web:ferry.example/post/3kx"
    ),
    "https://embed.bsky.app/embed/did:plc:ab12/app.bsky.feed.post/3kx?id=1&ref_url=x": (
        "did:plc:ab12/post/3kx"
    ),
    "https://embed.bsky.app/embed/did%3Aplc%3Aab12/app.bsky.feed.post/3kx": "did:plc:ab12/post/3kx",
    "https://embed.bsky.app/oembed?url=https%3A%2F%2Fbsky.app%2Fprofile%2Fa.b%2Fpost%2F3kx": (
        "a.b/post/3kx"
    ),
    "https://embed.bsky.app/embed/did:plc:ab12/app.bsky.graph.list/3kx": P.OTHER,
    "https://bsky.app/profile/a%2F..%2Fb/post/3kx": P.PROFILE,
    "https://cdn.bsky.app/img/feed_fullsize/plain/did:plc:ab12/bafk@jpeg": P.UNNAMED,
    "https://embed.bsky.app.evil.example/embed/did:plc:ab12/app.bsky.feed.post/3kx": None,
    "https://bsky.app/profile/ferry.example": P.PROFILE,
    "https://bsky.app/profile/ferry.example/feed/boats": P.LIST,
    "https://bsky.app/starter-pack/ferry.example/3kx": P.LIST,
    "https://bsky.app/hashtag/ferry": P.TAG,
    "https://bsky.app/": P.OTHER,
    "https://notbsky.app/profile/a/post/1": None,
    "https://www.pinterest.com/pin/73/sent/?invite_code=x": "73",
    "https://www.pinterest.com/pin/a-crossing--73/": "73",
    "https://br.pinterest.com/pin/73/": "73",
    "https://www.pinterest.co.uk/pin/73/": "73",
    "https://www.pinterest.com.mx/pin/73/": "73",
    "https://www.pinterest.com/amp/pin/73/": "73",
    "https://www.pinterest.de/amp/pin/a-crossing--73/": "73",
    "https://assets.pinterest.com/ext/embed.html?src=x&id=73": "73",
    "https://assets.pinterest.com/ext/embed.html?grid=73": P.OTHER,
    "https://i.pinimg.com/originals/aa/a.jpg": P.UNNAMED,
    "https://assets.pinterest.com.evil.example/ext/embed.html?id=73": None,
    "https://pin.it/abc123": SHORT,
    "https://www.pinterest.com/ferry/": P.PROFILE,
    "https://www.pinterest.com/ferry/_saved/": P.PROFILE,
    "https://www.pinterest.com/ferry/boats/": P.LIST,
    "https://www.pinterest.com/ideas/boats/91/": P.TAG,
    "https://www.pinterest.com/search/pins/?q=ferry": P.TAG,
    "https://www.pinterest.com/": P.OTHER,
    "https://pinterest.com.evil.example/pin/73": None,
    "https://www.snapchat.com/spotlight/W7_ab?share_id=x": "W7_ab",
    "https://www.snapchat.com/@ferry/spotlight/W7_ab": "W7_ab",
    "https://t.snapchat.com/AbCd12": SHORT,
    "https://www.snapchat.com/t/AbCd12": SHORT,
    "https://www.snapchat.com/p/9f2d/73": P.UNREADABLE,
    "https://www.snapchat.com/add/ferry": P.PROFILE,
    "https://www.snapchat.com/@ferry": P.PROFILE,
    "https://www.snapchat.com/": P.OTHER,
    "https://streamable.com/ab12cd": "ab12cd",
    "https://www.streamable.com/e/ab12cd": "ab12cd",
    "https://streamable.com/login": P.OTHER,
    "https://clips.twitch.tv/DemoClip-a_b": "DemoClip-a_b",
    "https://clips.twitch.tv/embed?clip=DemoClip&parent=x": "DemoClip",
    "https://www.twitch.tv/ferry/clip/DemoClip?filter=clips": "DemoClip",
    "https://m.twitch.tv/clip/DemoClip": "DemoClip",
    "https://m.twitch.tv/ferry/clip/DemoClip": "DemoClip",
    "https://www.twitch.tv/videos/73": P.UNREADABLE,
    "https://www.twitch.tv/ferry": P.PROFILE,
    "https://www.twitch.tv/directory": P.TAG,
    "https://www.twitch.tv/collections/ab12": P.LIST,
    "https://player.twitch.tv/?channel=ferry": P.LIVE,
    "https://www.twitch.tv/": P.OTHER,
    "https://streamable.com/ab12cd&t=1": "ab12cd",
    "https://clips.twitch.tv/DemoClip&tt_medium=x": "DemoClip",
    "https://www.pinterest.com/pin/73&x=1": "73",
    "https://pin.it/abc123&x=1": SHORT,
    "https://www.snapchat.com/spotlight/W7_ab&share_id=x": "W7_ab",
    "https://bsky.app/profile/ferry.example/post/3kx&ref=x": "ferry.example/post/3kx",
    "https://youtu.be/DemoShort01&t=10": "DemoShort01",
    "https://youtu.be/DemoShort01%3Fsi%3Dx": "DemoShort01",
    "https://www.youtube.com/watch%3Fv%3DDemoShort01": "DemoShort01",
    "https://www.youtube.com/watch&v=DemoShort01": "DemoShort01",
    "https://www.youtube.com/watch?app=desktop&amp;v=DemoShort01": "DemoShort01",
    "https://m.youtube.com/#/watch?v=DemoShort01": "DemoShort01",
    "https://youtu.be/DemoShort01?si=x": "DemoShort01",
    "https://m.youtube.com/watch?app=desktop&v=DemoShort01": "DemoShort01",
    "https://music.youtube.com/watch?v=DemoShort01&list=x": "DemoShort01",
    "https://www.youtube.com/embed/DemoShort01": "DemoShort01",
    "https://www.youtube-nocookie.com/embed/DemoShort01": "DemoShort01",
    "https://www.youtube.com/live/DemoShort01": "DemoShort01",
    "https://www.youtube.com/attribution_link?u=%2Fwatch%3Fv%3DDemoShort01": "DemoShort01",
    "https://www.youtube.com/embed/live_stream?channel=x": P.LIVE,
    "https://www.youtube.com/@ferry/live": P.LIVE,
    "https://www.youtube.com/embed/videoseries?list=x": P.LIST,
    "https://www.youtube.com/playlist?list=PLdemo": P.LIST,
    "https://www.youtube.com/@ferry": P.PROFILE,
    "https://www.youtube.com/channel/UCdemo": P.PROFILE,
    "https://www.youtube.com/hashtag/ferry": P.TAG,
    "https://www.youtube.com/": P.OTHER,
}

MUSIC = {
    "https://soundcloud.com/ferry-demo/harbour-bell": "ferry-demo/harbour-bell",
    "https://soundcloud.com/ferry-demo/harbour-bell?in=a/sets/b#t=0:30": "ferry-demo/harbour-bell",
    "https://www.soundcloud.com/ferry_demo/sets-of-tea/": "ferry_demo/sets-of-tea",
    "https://m.soundcloud.com/ferry-demo/bell": "ferry-demo/bell",
    "https://soundcloud.com/ferry-demo/bell/s-AbC12": "ferry-demo/bell/s-AbC12",
    "https://soundcloud.com/ferry-demo/bell/s-AbC12/?si=x": "ferry-demo/bell/s-AbC12",
    "https://soundcloud.com/ferry-demo/bell?secret_token=s-AbC12": "ferry-demo/bell/s-AbC12",
    "https://soundcloud.com/ferry-demo/bell/?si=x&secret_token=s-AbC12&a=1": (
        "ferry-demo/bell/s-AbC12"
    ),
    "https://api.soundcloud.com/tracks/73": "tracks/73",
    "https://api.soundcloud.com/tracks/73?a=1&secret_token=s-AbC12": "tracks/73/s-AbC12",
    "https://api.soundcloud.com/tracks/73/?secret_token=s-AbC12": "tracks/73/s-AbC12",
    "https://api-v2.soundcloud.com/tracks/soundcloud%3Atracks%3A73": "tracks/73",
    "https://api.soundcloud.com/tracks/soundcloud:tracks:73?secret_token=s-AbC12": (
        "tracks/73/s-AbC12"
    ),
    "https://api.soundcloud.com/tracks/soundcloud%3atracks%3a73": "tracks/73",
    "https://api.soundcloud.com/tracks/73/stream": "tracks/73",
    "https://api.soundcloud.com/tracks/73.json?secret_token=s-AbC12": "tracks/73/s-AbC12",
    "https://api.soundcloud.com/tracks/73/streams/1": P.OTHER,
    "https://w.soundcloud.com/player/?url=https%3A//on.soundcloud.com/AbC12": SHORT,
    "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/73": "tracks/73",
    "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/73"
    "%3Fsecret_token%3Ds-AbC12&color=x": "tracks/73/s-AbC12",
    "https://w.soundcloud.com/player/?a=1&url=https%3A%2F%2Fapi.soundcloud.com%2Ftracks%2F73"
    "&secret_token=s-AbC12": "tracks/73/s-AbC12",
    "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/playlists/73": P.LIST,
    "https://w.soundcloud.com/player/?url=https%3A//evil.example/tracks/73": P.OTHER,
    "https://w.soundcloud.com/player/": P.OTHER,
    "https://evil.example/player/?url=https%3A//api.soundcloud.com/tracks/73": None,
    "https://on.soundcloud.com/AbC12": SHORT,
    "https://soundcloud.com/ferry-demo": P.PROFILE,
    "https://soundcloud.com/ferry-demo/tracks": P.PROFILE,
    "https://soundcloud.com/ferry-demo/sets": P.PROFILE,
    "https://soundcloud.com/ferry-demo/sets/night": P.LIST,
    "https://soundcloud.com/stations/track/ferry-demo/bell": P.LIST,
    "https://soundcloud.com/discover": P.TAG,
    "https://soundcloud.com/search?q=ferry": P.TAG,
    "https://soundcloud.com/you/likes": P.OTHER,
    "https://soundcloud.com/": P.OTHER,
    "https://help.soundcloud.com/hc": P.OTHER,
    "https://notsoundcloud.com/a/b": None,
    "https://ferry.bandcamp.com/track/bell": "ferry/bell",
    "https://ferry.bandcamp.com/track/bell-2?from=x": "ferry/bell-2",
    "https://ferry.bandcamp.com/album/night": P.LIST,
    "https://ferry.bandcamp.com/": P.PROFILE,
    "https://ferry.bandcamp.com/music": P.PROFILE,
    "https://bandcamp.com/discover/ambient": P.TAG,
    "https://daily.bandcamp.com/features/x": P.OTHER,
    "https://bandcamp.com/": P.OTHER,
    "https://bandcamp.com/EmbeddedPlayer/v=2/track=73/size=large/": P.UNNAMED,
    "https://bandcamp.com/EmbeddedPlayer/album=73/track=74/transparent=true/": P.UNNAMED,
    "https://ferry.notbandcamp.com/track/bell": None,
    "https://www.mixcloud.com/ferry/night-crossing/": "ferry/night-crossing",
    "https://m.mixcloud.com/ferry/night-crossing?utm=x": "ferry/night-crossing",
    "https://www.mixcloud.com/ferry/%D0%BD%D0%BE%D1%87%D1%8C/": "ferry/%D0%BD%D0%BE%D1%87%D1%8C",
    "https://www.mixcloud.com/widget/iframe/?mini=1&feed=%2Fferry%2Fnight-crossing%2F": (
        "ferry/night-crossing"
    ),
    "https://player-widget.mixcloud.com/widget/iframe/?feed=/ferry/night-crossing/": (
        "ferry/night-crossing"
    ),
    "https://www.mixcloud.com/widget/iframe/?feed=https%3A%2F%2Fwww.mixcloud.com%2Fferry%2Fnight"
    "%2F": "ferry/night",
    "https://www.mixcloud.com/widget/iframe/?feed=%2Fferry%2F": P.OTHER,
    "https://www.mixcloud.com/widget/iframe/": P.OTHER,
    "https://player-widget.mixcloud.com.evil.example/widget/iframe/?feed=/ferry/night/": None,
    "https://www.mixcloud.com/ferry/": P.PROFILE,
    "https://www.mixcloud.com/ferry/uploads/": P.PROFILE,
    "https://www.mixcloud.com/ferry/playlists/night/": P.LIST,
    "https://www.mixcloud.com/live/ferry/": P.LIVE,
    "https://www.mixcloud.com/discover/ambient/": P.TAG,
    "https://www.mixcloud.com/": P.OTHER,
    "https://notmixcloud.com/a/b": None,
}

VIDEO_SITES = {
    "https://www.dailymotion.com/video/x9demo1": "x9demo1",
    "https://www.dailymotion.com/video/x9demo1_a-crossing_fun": "x9demo1",
    "https://www.dailymotion.com/video/x9demo1?playlist=x7demo": "x9demo1",
    "https://www.dailymotion.com/embed/video/x9demo1?autoplay=1": "x9demo1",
    "https://geo.dailymotion.com/player.html?video=x9demo1": "x9demo1",
    "https://geo.dailymotion.com/player/xabc1.html?mute=1&video=x9demo1": "x9demo1",
    "https://dai.ly/x9demo1": "x9demo1",
    "https://www.dailymotion.com/playlist/x7demo": P.LIST,
    "https://geo.dailymotion.com/player.html?playlist=x7demo": P.LIST,
    "https://www.dailymotion.com/search/ferry/videos": P.TAG,
    "https://www.dailymotion.com/ferry.demo": P.PROFILE,
    "https://www.dailymotion.com/": P.OTHER,
    "https://notdailymotion.com/video/x9demo1": None,
    "https://vk.com/video-73_10": "-73_10",
    "https://vk.com/video73_10?list=ln-abc": "73_10",
    "https://vk.com/clip-73_10?c=1": "-73_10",
    "https://m.vk.com/video-73_10": "-73_10",
    "https://vk.ru/video-73_10": "-73_10",
    "https://vkvideo.ru/video-73_10": "-73_10",
    "https://vkvideo.ru/playlist/-73_1/video-73_10": "-73_10",
    "https://vk.com/videos-73?z=video-73_10%2Fclub73": "-73_10",
    "https://vk.com/wall-73_5?z=clip-73_10": "-73_10",
    "https://vk.com/feed?w=x&z=video-73_10": "-73_10",
    "https://vk.com/video_ext.php?oid=-73&id=10&hash=abc": "-73_10",
    "https://vk.com/wall-73_5": P.UNREADABLE,
    "https://vk.com/photo73_5": P.UNREADABLE,
    "https://vkvideo.ru/playlist/-73_1": P.LIST,
    "https://vkvideo.ru/@ferry": P.PROFILE,
    "https://vk.com/ferry.demo": P.PROFILE,
    "https://vk.com/videos-73": P.PROFILE,
    "https://vk.com/feed": P.OTHER,
    "https://vk.com/": P.OTHER,
    "https://notvk.com/video-73_10": None,
    "https://ok.ru/video/73": "73",
    "https://ok.ru/video/73-0?fromTime=4": "73-0",
    "https://m.ok.ru/video/73": "73",
    "https://ok.ru/videoembed/73?autoplay=1": "73",
    "https://ok.ru/live/73": "73",
    "https://www.odnoklassniki.ru/video/73": "73",
    "https://m.ok.ru/dk?st.cmd=movieLayer&st.mvId=73": "73",
    "https://ok.ru/group/1/video/73": "73",
    "https://m.ok.ru/profile/1/video/73-0?st.cmd=x": "73-0",
    "https://ok.ru/group/1/video": P.PROFILE,
    "https://ok.ru/group/1/video/c73": P.LIST,
    "https://ok.ru/group/x/video/73": P.PROFILE,
    "https://ok.ru.evil.example/group/1/video/73": None,
    "https://ok.ru/video/c73": P.LIST,
    "https://ok.ru/video/showcase": P.TAG,
    "https://ok.ru/profile/73": P.PROFILE,
    "https://ok.ru/group/73/topic/5": P.PROFILE,
    "https://ok.ru/": P.OTHER,
    "https://notok.ru/video/73": None,
    f"https://rutube.ru/video/{32 * 'a'}/": 32 * "a",
    f"https://rutube.ru/video/{32 * 'a'}/?r=wd&t=5": 32 * "a",
    f"https://rutube.ru/shorts/{32 * 'a'}/": 32 * "a",
    f"https://rutube.ru/play/embed/{32 * 'a'}": 32 * "a",
    f"https://rutube.ru/live/video/{32 * 'a'}/": 32 * "a",
    f"https://rutube.ru/video/private/{32 * 'a'}/?p=x-Y_1": f"{32 * 'a'}/x-Y_1",
    "https://rutube.ru/channel/73/videos/": P.PROFILE,
    "https://rutube.ru/plst/73/": P.LIST,
    "https://rutube.ru/search/?query=ferry": P.TAG,
    "https://rutube.ru/": P.OTHER,
    "https://notrutube.ru/video/1": None,
    f"https://www.loom.com/share/{32 * 'a'}?sid=1": 32 * "a",
    f"https://www.loom.com/share/A-Crossing-{32 * 'a'}": 32 * "a",
    f"https://loom.com/embed/{32 * 'a'}": 32 * "a",
    f"https://www.loom.com/share/folder/{32 * 'a'}": P.LIST,
    "https://www.loom.com/": P.OTHER,
    f"https://notloom.com/share/{32 * 'a'}": None,
    "https://www.bilibili.com/video/BV1demo00001/?spm_id_from=x": "BV1demo00001",
    "https://www.bilibili.com/video/bv1demo00001?p=1": "BV1demo00001",
    "https://m.bilibili.com/video/BV1demo00001?p=3&t=1": "BV1demo00001?p=3",
    "https://www.bilibili.com/video/AV73": "av73",
    "https://www.bilibili.com/festival/x?a=1&bvid=BV1demo00001": "BV1demo00001",
    "https://b23.tv/BV1demo00001": "BV1demo00001",
    "https://www.bilibili.com/festival/x?a=1&bvid=BV1demo00001&p=2": "BV1demo00001?p=2",
    "https://www.bilibili.com/list/watchlater?bvid=BV1demo00001&oid=73": "BV1demo00001",
    "https://www.bilibili.com/medialist/play/watchlater/BV1demo00001": "BV1demo00001",
    "https://www.bilibili.com/s/video/BV1demo00001": "BV1demo00001",
    "https://www.bilibili.com/BV1demo00001?p=2": "BV1demo00001?p=2",
    "https://bilibili.com/av73": "av73",
    "https://player.bilibili.com/player.html?isOutside=true&aid=73&bvid=BV1demo00001&p=2": (
        "BV1demo00001?p=2"
    ),
    "https://player.bilibili.com/player.html?aid=73&cid=1&page=2": "av73?p=2",
    "https://player.bilibili.com/player.html?cid=73": P.OTHER,
    "https://www.bilibili.com/blackboard/html5mobileplayer.html?bvid=BV1demo00001": "BV1demo00001",
    "https://www.bilibili.com/blackboard/webplayer/mbplayer.html?aid=73": "av73",
    "https://b23.tv/AbC12": SHORT,
    "https://bili2233.cn/AbC12": SHORT,
    "https://bili22.cn/AbC12": SHORT,
    "https://bili23.cn/AbC12": SHORT,
    "https://bili33.cn/AbC12": SHORT,
    "https://bili2233.cn/BV1demo00001": "BV1demo00001",
    "https://notbili2233.cn/AbC12": None,
    "https://bili2233.cn.evil.example/AbC12": None,
    "https://player.bilibili.com.evil.example/player.html?aid=73": None,
    "https://space.bilibili.com/73": P.PROFILE,
    "https://space.bilibili.com/73/lists/7?type=season": P.LIST,
    "https://space.bilibili.com/73/channel/collectiondetail?sid=7": P.LIST,
    "https://live.bilibili.com/73": P.LIVE,
    "https://www.bilibili.com/bangumi/play/ep73": P.UNREADABLE,
    "https://t.bilibili.com/73": P.UNREADABLE,
    "https://www.bilibili.com/list/73": P.LIST,
    "https://search.bilibili.com/all?keyword=ferry": P.TAG,
    "https://www.bilibili.com/": P.OTHER,
    "https://notbilibili.com/video/BV1demo00001": None,
    "https://vimeo.com/730001": "730001",
    "https://vimeo.com/730001/de01de01de?share=copy": "730001/de01de01de",
    "https://vimeo.com/channels/staffpicks/730001": "730001",
    "https://player.vimeo.com/video/730001?h=x": "730001",
    "https://vimeo.com/ferry": P.OTHER,
    "https://notvimeo.com/730001": None,
    "https://www.newgrounds.com/portal/view/73": "portal/view/73",
    "https://www.newgrounds.com/audio/listen/73": "audio/listen/73",
    "https://ferry.newgrounds.com/": P.OTHER,
    "https://notnewgrounds.com/portal/view/73": None,
    f"https://www.xiaohongshu.com/explore/{24 * 'a'}?a=1&xsec_token=AB=&b=1": (
        f"{24 * 'a'}?xsec_token=AB="
    ),
    f"https://www.xiaohongshu.com/explore/{24 * 'a'}": P.OTHER,
    "http://xhslink.com/a/AbC12": SHORT,
    "https://notxiaohongshu.com/explore/1": None,
}

STREAMING = dict.fromkeys(
    (
        "https://open.spotify.com/track/4cOdK2wGLETKBW3PvgPWqT?si=x",
        "https://open.spotify.com/intl-de/episode/73",
        "https://spotify.link/AbC12",
        "https://music.apple.com/us/album/night/73?i=10",
        "https://geo.music.apple.com/album/73",
        "https://itunes.apple.com/album/id73",
        "https://www.deezer.com/track/73",
        "https://link.deezer.com/s/AbC12",
        "https://deezer.page.link/AbC12",
        "https://tidal.com/browse/track/73",
        "https://listen.tidal.com/album/73",
        "https://music.amazon.com/albums/73",
        "https://music.amazon.co.uk/albums/73",
        "https://music.amazon.de/albums/73",
        "https://open.qobuz.com/track/73",
        "https://music.yandex.ru/album/73/track/10",
        "https://www.pandora.com/artist/x",
        "https://play.anghami.com/song/73",
        "https://www.jiosaavn.com/song/x/73",
    ),
    P.STREAMING,
) | {
    "https://notspotify.com/track/73": None,
    "https://spotify.com.evil.example/track/73": None,
    "https://podcasts.apple.com/podcast/73": None,
    "https://www.amazon.de/dp/73": None,
}

POSTS = TIKTOK | INSTAGRAM | THREADS | TUMBLR | FACEBOOK | REDDIT | X | OTHERS
FORMS = POSTS | MUSIC | VIDEO_SITES | STREAMING


def kind_of(url: str) -> str | PageKind | None:
    """Return the id of a post, SHORT, or the kind of another page."""
    link = REGISTRY.find(url)
    if link:
        return link.post_id or SHORT
    return REGISTRY.find_page(url)


@pytest.mark.parametrize("url", FORMS)
def test_every_form_is_what_it_is(url: str):
    assert kind_of(url) == FORMS[url]
    assert kind_of(url.replace("https://", "http://")) == FORMS[url]


@pytest.mark.parametrize("url", [url for url, kind in FORMS.items() if isinstance(kind, str)])
def test_the_id_of_every_post_leads_back_to_it(url: str):
    link = REGISTRY.find(url)
    assert link is not None
    if link.post_id:
        assert REGISTRY.link_to(link.platform, link.post_id) is not None


def test_youtube_music_is_a_streaming_service_unless_youtube_is_allowed():
    url = "https://music.youtube.com/watch?v=DemoShort01"
    assert REGISTRY.find(url)
    without = load_registry(("tiktok",))
    assert (without.find(url), without.find_page(url)) == (None, P.STREAMING)
    assert without.find_page("https://www.youtube.com/watch?v=DemoShort01") is None


@pytest.mark.parametrize("platform", REGISTRY.by_name.values(), ids=lambda p: p.name)
def test_every_site_knows_its_home_page_and_no_others(platform):
    for host in {example.split("/")[2] for example in platform.examples}:
        assert isinstance(platform.identify(f"https://{host}/"), PageKind), host
        assert platform.identify(f"https://{host}.evil.example/") is None
        assert platform.identify(f"https://evil.example/{host}/") is None
    domain = ".".join(platform.examples[0].split("/")[2].split(".")[-2:])
    assert isinstance(platform.identify(f"https://{domain}/"), PageKind)
    assert platform.identify(f"https://not{domain}/") is None


@pytest.mark.parametrize("url", EXAMPLES)
def test_no_other_host_is_taken_for_that_of_a_form(url: str):
    host, _, rest = url.removeprefix("https://").partition("/")
    domain = ".".join(host.split(".")[-2:])
    for forged in (
        f"not{domain}",
        f"{host}.evil.example",
        f"{host}%2eevil.example",
        f"{host}@evil.example",
        f"evil.example@{host}",
        f"{host}:8443",
        f"evil.example\\@{host}",
        f"{host}\\@evil.example",
        f"{host}\\.evil.example",
        f"evil.example\\.{host}",
        f"evil.example#@{host}",
        f"evil.example/{host}",
    ):
        link = f"https://{forged}/{rest}"
        assert REGISTRY.find(link) is None, link
        for found in REGISTRY.find_all(f"look: {link}", [link]):
            assert REGISTRY[found.platform].page_hosts.allows(found.url), link


# --- mirrors and redirecting pages ----------------------------------------------------------------

MIRRORS = {
    "https://vxtwitter.com/ferry/status/73": "https://x.com/ferry/status/73",
    "https://fxtwitter.com/ferry/status/73/photo/1": "https://x.com/ferry/status/73/photo/1",
    "https://d.fxtwitter.com/ferry/status/73": "https://x.com/ferry/status/73",
    "https://fixupx.com/ferry/status/73": "https://x.com/ferry/status/73",
    "https://fixvx.com/ferry/status/73": "https://x.com/ferry/status/73",
    "https://twittpr.com/ferry/status/73": "https://x.com/ferry/status/73",
    "https://girlcockx.com/ferry/status/73": "https://x.com/ferry/status/73",
    "https://nitter.net/ferry/status/73#m": "https://x.com/ferry/status/73#m",
    "https://www.ddinstagram.com/reel/DemoReel001/": "https://www.instagram.com/reel/DemoReel001/",
    "https://d.ddinstagram.com/p/DemoPhoto01": "https://www.instagram.com/p/DemoPhoto01",
    "https://g.ddinstagram.com/p/DemoPhoto01": "https://www.instagram.com/p/DemoPhoto01",
    "https://kkinstagram.com/p/DemoPhoto01": "https://www.instagram.com/p/DemoPhoto01",
    "https://eeinstagram.com/p/DemoPhoto01": "https://www.instagram.com/p/DemoPhoto01",
    "https://instagramez.com/p/DemoPhoto01": "https://www.instagram.com/p/DemoPhoto01",
    "https://rxinstagram.com/p/DemoPhoto01": "https://www.instagram.com/p/DemoPhoto01",
    "https://fxig.seria.moe/p/DemoPhoto01": "https://www.instagram.com/p/DemoPhoto01",
    "https://vxtiktok.com/@a/video/73": "https://www.tiktok.com/@a/video/73",
    "https://vm.vxtiktok.com/ZMabc123/": "https://vm.tiktok.com/ZMabc123/",
    "https://vt.tnktok.com/ZSabc123/": "https://vt.tiktok.com/ZSabc123/",
    "https://a.tnktok.com/ZNabc123/": "https://vm.tiktok.com/ZNabc123/",
    "https://tnktok.com/t/ZTabc123/": "https://www.tiktok.com/t/ZTabc123/",
    "https://tiktxk.com/@a/video/73": "https://www.tiktok.com/@a/video/73",
    "https://rxddit.com/r/a/comments/1x/": "https://www.reddit.com/r/a/comments/1x/",
    "https://vxreddit.com/r/a/s/AbCd12": "https://www.reddit.com/r/a/s/AbCd12",
    "https://old.rxddit.com/r/a/comments/1x/": "https://www.reddit.com/r/a/comments/1x/",
    "https://bskx.app/profile/a.b/post/3k": "https://bsky.app/profile/a.b/post/3k",
    "https://bskyx.app/profile/a.b/post/3k": "https://bsky.app/profile/a.b/post/3k",
    "https://r.fxbsky.app/profile/a.b/post/3k": "https://bsky.app/profile/a.b/post/3k",
    "https://vxbsky.app/profile/a.b/post/3k": "https://bsky.app/profile/a.b/post/3k",
    "https://facebed.com/reel/73": "https://www.facebook.com/reel/73",
    "https://clips.fxtwitch.tv/DemoClip": "https://clips.twitch.tv/DemoClip",
    "https://fxtwitch.seria.moe/clip/DemoClip": "https://www.twitch.tv/clip/DemoClip",
    "https://l.instagram.com/?u=https%3A%2F%2Fwww.instagram.com%2Fp%2FDemoPhoto01%2F&e=A": (
        "https://www.instagram.com/p/DemoPhoto01/"
    ),
    "https://l.facebook.com/l.php?u=https%3A%2F%2Fvm.tiktok.com%2FZMabc&h=AT0": (
        "https://vm.tiktok.com/ZMabc"
    ),
    "https://lm.facebook.com/l.php?u=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F73": (
        "https://x.com/a/status/73"
    ),
    "https://out.reddit.com/t3_1x?url=https%3A%2F%2Ffxtwitter.com%2Fa%2Fstatus%2F73": (
        "https://x.com/a/status/73"
    ),
    "https://www.google.com/url?sa=t&url=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F73": (
        "https://x.com/a/status/73"
    ),
    "https://vk.com/away.php?to=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F73": "https://x.com/a/status/73",
}

#: Sharing pages that name the post in their query.
IN_PARAMETERS = {
    "https://t.me/share/url?url=https%3A%2F%2Fvxtwitter.com%2Fa%2Fstatus%2F73&text=Look": (
        "https://x.com/a/status/73"
    ),
    "https://t.me/iv?url=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F73&rhash=00": (
        "https://x.com/a/status/73"
    ),
    "https://api.whatsapp.com/send?text=Look%20https%3A%2F%2Fx.com%2Fa%2Fstatus%2F73%21": (
        "https://x.com/a/status/73"
    ),
    "https://api.whatsapp.com/send?phone=&text=%D0%BE%D1%81%D1%8C%20x.com%2Fa%2Fstatus%2F73": (
        "https://x.com/a/status/73"
    ),
    "https://x.com/intent/post?url=https%3A%2F%2Fwww.tiktok.com%2F%40a%2Fvideo%2F73": (
        "https://www.tiktok.com/@a/video/73"
    ),
    "https://www.facebook.com/sharer/sharer.php?u=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F73": (
        "https://x.com/a/status/73"
    ),
}
MIRRORS |= IN_PARAMETERS


@pytest.mark.parametrize("url", MIRRORS)
def test_a_mirror_is_read_as_the_site_itself(url: str):
    link = REGISTRY.find(url)
    assert link is not None
    assert link.url == MIRRORS[url]
    assert link == REGISTRY.find(MIRRORS[url])
    assert REGISTRY[link.platform].page_hosts.allows(link.url)


@pytest.mark.parametrize(
    "url",
    [
        "https://notvxtwitter.com/a/status/73",
        "https://vxtwitter.com.evil.example/a/status/73",
        "https://vxtwitter.com@127.0.0.1/a/status/73",
        "https://vxtwitter.com:8443/a/status/73",
        "https://evil.example/?u=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F73",
        "https://l.instagram.com.evil.example/?u=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F73",
        "https://t.me.evil.example/share/url?url=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F73",
        "https://example.com/login?next=https://x.com/a/status/73",
        "https://t.me/share/url?url=https%3A%2F%2Fnotx.com%2Fa%2Fstatus%2F73",
        "https://evil.example/?u=https%3A%2F%2Fx.com.evil.example%2Fa%2Fstatus%2F73",
        "https://evil.example/?u=me%40x.com%2Fa%2Fstatus%2F73",
        "https://evil.example/?u=https%3A%2F%2Fx.com%40127.0.0.1%2Fa%2Fstatus%2F73",
        "https://evil.example/?u=%2Fa%2Fstatus%2F73",
        "https://evil.example/x.com/a/status/73?u=1",
        "https://t.me/share/url?url=https%3A%2F%2Fx.com%2Fferry",
        "https://l.facebook.com/l.php?u=http%3A%2F%2F127.0.0.1%2Fa%2Fstatus%2F73",
        "https://l.facebook.com/l.php?u=https%3A%2F%2F%5Bbad",
        "https://phixiv.net/artworks/73",
        "https://fixthreads.net/@a/post/73",
    ],
)
def test_what_only_looks_like_a_mirror_is_nothing(url: str):
    assert REGISTRY.find(url) is None


def test_pages_that_redirect_to_each_other_end():
    url = "https://x.com/a/status/73"
    for _ in range(3):
        url = "https://l.facebook.com/l.php?u=" + url.replace("%", "%25").replace(":", "%3A")
    assert original_url(url) == "https://x.com/a/status/73"


def test_a_profile_on_a_mirror_is_a_profile():
    assert kind_of("https://fxtwitter.com/ferry") is PageKind.PROFILE


# --- links in texts -------------------------------------------------------------------------------

VIDEO = "https://www.tiktok.com/@a/video/73"
SHORT_LINK = "https://vm.tiktok.com/ZMabc12"

TEXTS = {
    f"{VIDEO}😂": [VIDEO],
    f"{VIDEO}。": [VIDEO],
    f"({VIDEO})": [VIDEO],
    f"「{VIDEO}」": [VIDEO],
    f"{VIDEO}，好看！": [VIDEO],
    f"{VIDEO}؟": [VIDEO],
    f"{VIDEO}।": [VIDEO],
    f"{VIDEO}...": [VIDEO],
    f"看看这个{SHORT_LINK}复制此链接": [SHORT_LINK],
    f"смотри{SHORT_LINK}тут": [SHORT_LINK],
    f"شاهد{SHORT_LINK}الآن": [SHORT_LINK],
    f"{SHORT_LINK}/{VIDEO}": [f"{SHORT_LINK}/", VIDEO],
    f"{VIDEO}{SHORT_LINK}": [VIDEO, SHORT_LINK],
    f"https://{VIDEO}": [VIDEO],
    f"[video]({VIDEO})": [VIDEO],
    f"<{VIDEO}>": [VIDEO],
    f"**{VIDEO}**": [VIDEO],
    f"__{VIDEO}__": [VIDEO],
    f"`{VIDEO}`": [VIDEO],
    f"'{VIDEO}'": [VIDEO],
    f"\u200b{VIDEO}\u200b": [VIDEO],
    "https://www.tik\u00adtok.com/@a/video/\u206073\ufeff": [VIDEO],
    "tiktok.com/@a/video/73": ["https://tiktok.com/@a/video/73"],
    "look at www.instagram.com/p/DemoPhoto01 !": ["https://www.instagram.com/p/DemoPhoto01"],
    "vm.tiktok.com/ZMabc12": [SHORT_LINK],
    "看vm.tiktok.com/ZMabc12": [SHORT_LINK],
    "link:vm.tiktok.com/ZMabc12, x.com/a/status/1": [SHORT_LINK, "https://x.com/a/status/1"],
    "link=x.com/a/status/12": ["https://x.com/a/status/12"],
    "url:instagram.com/p/DemoPhoto01": ["https://instagram.com/p/DemoPhoto01"],
    "//www.tiktok.com/@a/video/73": ["https://www.tiktok.com/@a/video/73"],
    "link=nottiktok.com/@a/video/73": [],
    "link=tiktok.com.evil.example/@a/video/73": [],
    "link=me@tiktok.com/@a/video/73": [],
    "mailto:me@tiktok.com/@a/video/73": [],
    "link=.tiktok.com/@a/video/73": [],
    "x.com/a/status/1,x.com/b/status/2": ["https://x.com/a/status/1", "https://x.com/b/status/2"],
    "x.com/a/status/1;x.com/b/status/2": ["https://x.com/a/status/1", "https://x.com/b/status/2"],
    "x.com/a/status/1|x.com/b/status/2": ["https://x.com/a/status/1", "https://x.com/b/status/2"],
    f"{VIDEO},vm.tiktok.com/ZMabc12": [VIDEO, SHORT_LINK],
    f"{VIDEO},{SHORT_LINK}": [VIDEO, SHORT_LINK],
    "x.com/a/status/1,nottiktok.com/@a/video/73": ["https://x.com/a/status/1"],
    "https://v.redd.it/ab12cd/DASH_720.mp4?source=fallback": ["https://v.redd.it/ab12cd"],
    "https://t.me/share/url?url=https://x.com/a/status/1": ["https://x.com/a/status/1"],
    "t.me/share/url?url=x.com/a/status/1&text=Look": ["https://x.com/a/status/1"],
    "VM.TikTok.com/ZMabc12": ["https://VM.TikTok.com/ZMabc12"],
    "HTTPS://vm.tiktok.com/ZMabc12": [SHORT_LINK],
    "https://www.facebook.com/Паром/videos/73": ["https://www.facebook.com/Паром/videos/73"],
    "https://www.instagram.com/p/DemoPhoto0_": ["https://www.instagram.com/p/DemoPhoto0_"],
    "https://web.archive.org/web/2026/" + VIDEO: [VIDEO],
    "me@tiktok.com/@a/video/73": [],
    "me@vm.tiktok.com/ZMabc12": [],
    "nottiktok.com/@a/video/73": [],
    "not-tiktok.com/@a/video/73": [],
    "мойtiktok.com/@a/video/73": [],
    "tiktok.com.evil.example/@a/video/73": [],
    "tiktok.com@127.0.0.1/@a/video/73": [],
    "tiktok.com:8443/@a/video/73": [],
    "evil.example/tiktok.com/@a/video/73": [],
    "evil.example/?u=https://tiktok.com/@a/video/73": [],
    "ftp://www.tiktok.com/@a/video/73": [],
    "evil.example//www.tiktok.com/@a/video/73": [],
    "https://中国tiktok.com/@a/video/73": [],
    "httpſ://www.tıktok.com/@a/video/73": [],
    "tiktok.com": [],
}


@pytest.mark.parametrize("text", TEXTS)
def test_links_are_found_in_what_people_paste(text: str):
    assert [link.url for link in REGISTRY.find_all(text)] == TEXTS[text]


@pytest.mark.parametrize("text", [text for text, urls in TEXTS.items() if len(urls) == 1])
def test_the_whole_text_as_an_entity_means_the_same(text: str):
    assert [link.url for link in REGISTRY.find_all(text, [text])] == TEXTS[text]


def test_a_post_beside_a_profile_is_the_one_that_counts():
    text = f"https://www.tiktok.com/@a and {VIDEO}"
    assert [link.post_id for link in REGISTRY.find_all(text)] == ["73"]


def test_the_more_specific_page_is_named():
    assert REGISTRY.find_page("tiktok.com/ https://x.com/ferry") is PageKind.PROFILE
    assert REGISTRY.find_page("https://www.tiktok.com/tag/юмор😂") is PageKind.TAG
    assert REGISTRY.find_page("hello", ["www.tiktok.com"]) is PageKind.OTHER
    assert REGISTRY.find_page("hello https://example.org/") is None


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "https://",
            "https://=",
            "a.",
            "a-",
            "a.b/",
            "x.com/",
            "vm.tiktok.com/a看",
            "看",
            "@",
            "/",
        ),
        *("https://x.com/?u=", "https://www.facebook.com/a/", "%25", "https://l.facebook.com/?u="),
        *(",a.b/", "=a.b/c&", "&x=https://a.b/?", "%3F", "&amp;", "#!/", "=x.com/login?next"),
        *("\u200b", "_", "https://x.com/a/status/1", "https://x.com/login?next=", "&next=/login?"),
    ],
)
def test_the_worst_texts_are_read_in_no_time(piece: str):
    text = (piece * 4_096)[:4_096]
    began_at = time.process_time()
    REGISTRY.find_all(text, [text])
    REGISTRY.find_page(text, [text])
    # Processor time, so that it does not depend on what else runs. Typical: 10 ms.
    assert time.process_time() - began_at < 1


_SCRIPTS = st.text(
    st.one_of(
        st.characters(),
        *(
            st.characters(min_codepoint=first, max_codepoint=last)
            for first, last in (
                *((0x400, 0x4FF), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F)),
                *((0x3040, 0x30FF), (0x4E00, 0x4FFF), (0xAC00, 0xACFF), (0xFF00, 0xFFEF)),
                *((0x1F600, 0x1F64F), (0x200B, 0x206F), (0x20, 0x7E)),
            )
        ),
    ),
    max_size=10,
)
_PIECES = st.sampled_from(
    [
        *(
            "https://",
            "http://",
            "www.",
            "vm.",
            "tiktok.com",
            "x.com",
            "instagram.com",
            "reddit.com",
        ),
        *("fxtwitter.com", "l.instagram.com/?u=", "/@a/video/73", "/p/DemoPhoto01", "/status/73"),
        *(
            "@",
            ":8443",
            ".evil.example",
            "evil",
            "not",
            "?next=",
            "%2F",
            "/",
            "//",
            "=",
            "127.0.0.1",
        ),
    ]
)


@pytest.mark.long
@pytest.mark.slow
@settings(max_examples=2_000)
@given(st.lists(st.one_of(_SCRIPTS, _PIECES), max_size=12).map("".join))
def test_any_text_leads_only_to_the_sites_themselves(text: str):
    for link in REGISTRY.find_all(text, [text]):
        platform = REGISTRY[link.platform]
        assert platform.page_hosts.allows(link.url)
        assert platform.find(link.url) is not None
    page = REGISTRY.find_page(text, [text])
    assert page is None or page.error.text_key


@pytest.mark.parametrize("name", REGISTRY.by_name)
def test_an_id_that_no_site_gives_is_no_post(name: str):
    """Nobody may open a site's circuit breaker with made-up links that the site does not bear."""
    platform = REGISTRY[name]
    for example in platform.examples:
        host, _, path = example.removeprefix("https://").partition("/")
        for word in re.finditer(r"[\w.-]{4,}", path):
            longer = word[0] + word[0][-1] * 1_500
            url = f"https://{host}/{path[: word.start()]}{longer}{path[word.end() :]}"
            link = platform.find(url)
            assert link is None or len(link.post_id or "") <= 300
    link = platform.find(platform.link_to("7" * 33))
    assert link is None or not (link.post_id or "").isdigit()


@pytest.mark.parametrize("kind", PageKind)
def test_every_kind_of_page_has_its_error(kind: PageKind):
    assert kind.error.text_key
