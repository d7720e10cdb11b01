// What the page itself says, in Japanese and English. What the account says is not ours.

const WORDS = {
  title: ["とどけ シミュレーター", "Todoke simulator"],
  note: [
    "LINEの代わりに動く練習用の画面です。本物のLINEには何も送られません。",
    "A stand-in for LINE to practise with. Nothing here reaches the real LINE.",
  ],
  phones: ["画面の数", "Phones"],
  pageLanguage: ["表示の言語", "Page language"],
  resident: ["住民", "Resident"],
  newResident: ["住民を追加", "New resident"],
  name: ["名前", "Name"],
  language: ["スマホの言語", "Phone language"],
  create: ["追加する", "Create"],
  cancel: ["キャンセル", "Cancel"],
  close: ["閉じる", "Close"],
  follow: ["友だち追加", "Add friend"],
  block: ["ブロック", "Block"],
  unblock: ["ブロック解除", "Unblock"],
  blockedNow: ["このアカウントをブロックしています", "You have blocked this account"],
  profileNote: ["公式アカウント", "Official account"],
  notFriend: ["友だちに追加すると、お知らせが届きます。", "Add the account to receive its notices."],
  followed: ["友だちに追加しました", "You added this account"],
  unblocked: ["ブロックを解除しました", "You unblocked this account"],
  blocked: ["ブロックしました", "You blocked this account"],
  unsent: ["メッセージの送信を取り消しました", "You unsent a message"],
  today: ["今日", "Today"],
  yesterday: ["昨日", "Yesterday"],
  read: ["既読", "Read"],
  message: ["メッセージ", "Message"],
  send: ["送信", "Send"],
  more: ["その他の送信", "More to send"],
  keyboard: ["キーボードに切り替え", "Switch to keyboard"],
  menu: ["メニューに切り替え", "Switch to menu"],
  photo: ["写真", "Photo"],
  camera: ["カメラ", "Camera"],
  file: ["ファイル", "File"],
  location: ["位置情報", "Location"],
  sticker: ["スタンプ", "Stickers"],
  choosePhoto: ["写真を選ぶ", "Choose a photo"],
  ready: ["用意した写真", "Photos ready to send"],
  uploadPhoto: ["この端末から選ぶ", "Choose from this device"],
  chooseLocation: ["位置情報を送る", "Send a location"],
  mapHelp: ["地図を押して場所を選んでください。", "Tap the map to choose a place."],
  address: ["住所（なくてもよい）", "Address (optional)"],
  latitude: ["緯度", "Latitude"],
  longitude: ["経度", "Longitude"],
  sendHere: ["この位置を送信", "Send this place"],
  zoomIn: ["拡大", "Zoom in"],
  zoomOut: ["縮小", "Zoom out"],
  date: ["日付を選ぶ", "Choose a date"],
  time: ["時刻を選ぶ", "Choose a time"],
  datetime: ["日時を選ぶ", "Choose date and time"],
  ok: ["決定", "OK"],
  copied: ["コピーしました", "Copied"],
  copy: ["コピー", "Copy"],
  unsend: ["送信取消", "Unsend"],
  call: ["この番号に電話をかけますか", "Call this number?"],
  notCalled: ["ここでは電話はかかりません。", "No call is made from here."],
  openLink: ["リンクを開く", "Open link"],
  failed: ["うまくいきませんでした", "That did not work"],
  offline: ["接続が切れました。つなぎ直しています…", "Connection lost. Reconnecting…"],
  noUser: ["まだ住民がいません。", "There is no resident yet."],
  chat: ["トーク", "Chat"],
  newMessages: ["新しいメッセージ", "New messages"],
  previous: ["前へ", "Previous"],
  next: ["次へ", "Next"],
  district: ["地区", "District"],
  zoomable: ["画像を開く", "Open image"],
  "pothole-near": ["道路の穴（近く）", "Pothole, near"],
  "pothole-far": ["道路の穴（遠く）", "Pothole, far"],
  "street-light-near": ["街灯の故障（近く）", "Street light, near"],
  "street-light-far": ["街灯の故障（遠く）", "Street light, far"],
  "guard-rail-near": ["ガードレール（近く）", "Guard rail, near"],
  "guard-rail-far": ["ガードレール（遠く）", "Guard rail, far"],
  "swing-near": ["公園のブランコ", "Park swing"],
};

let column = 0;

export function useLanguage(language) {
  column = language === "en" ? 1 : 0;
  document.documentElement.lang = language;
}
export const pageLanguage = () => (column ? "en" : "ja");
export const word = (key) => (WORDS[key] ? WORDS[key][column] : key);

// The languages a phone can be set to, each by its own name; the tag is what LINE would report.
export const PHONE_LANGUAGES = [
  ["ja", "日本語"], ["en", "English"], ["zh-CN", "简体中文"], ["zh-TW", "繁體中文"],
  ["ko", "한국어"], ["vi", "Tiếng Việt"], ["pt", "Português"], ["es", "Español"],
  ["id", "Bahasa Indonesia"], ["tl", "Tagalog"], ["th", "ไทย"], ["ne", "नेपाली"],
  ["km", "ភាសាខ្មែរ"], ["my", "မြန်မာဘာသာ"], ["mn", "Монгол"], ["fr", "Français"],
];
// What the resident's name might be, so that a trial needs no typing.
export const NAMES = {
  ja: "山田 花子", en: "Emma Brown", "zh-CN": "王 伟", "zh-TW": "林 怡君", ko: "김민준",
  vi: "Nguyễn Thị Lan", pt: "Lucas Silva", es: "María García", id: "Budi Santoso",
  tl: "Maria Santos", th: "สมชาย ใจดี", ne: "राम श्रेष्ठ", km: "សុខ ដារ៉ា", my: "မောင်မောင်",
  mn: "Бат-Эрдэнэ", fr: "Marie Dupont",
};
