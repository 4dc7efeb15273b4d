/* Every text of the page, in each language; a new language is one more object here and an <option>
 * in index.html. {name} is filled in. Reasons come from the server in English and are put together
 * again from their parts. */
const en = {
  skip: 'Skip to the content',
  home: 'dylumo, start page',
  newPhoto: 'New photo',
  language: 'Language',
  theme_auto: 'Colours: as the system',
  theme_light: 'Colours: light',
  theme_dark: 'Colours: dark',
  offline: 'You are offline. What is here stays; new songs come when the connection is back.',
  headline: 'A photo goes in.\nSongs that fit come out.',
  lead: 'dylumo reads the mood of your picture and finds ten real songs that feel like it.',
  dropHere: 'Drop a photo here',
  choose: 'Choose photos',
  camera: 'Take a photo',
  dropHint: 'or paste one. Up to eight at once become one mood.',
  dropNow: 'Let go: songs are coming',
  samplesTitle: 'Or try one of these',
  sample: 'Try the photo: {name}',
  sample_cat: 'a cat', sample_coffee: 'a cup of coffee', sample_rocket: 'a rocket at its start',
  sample_astronaut: 'an astronaut', sample_galaxies: 'galaxies', sample_camera: 'a photographer',
  historyTitle: 'Your last moods',
  historyHint: 'Kept in this browser only.',
  historyItem: '{words}, {when}',
  forget: 'Forget them',
  promise: 'Your photo is read in memory and never stored.',
  api: 'API',
  about: '{count} songs · model {model} · version {version}',
  moodTitle: 'The mood',
  emotionsTitle: 'Feelings it may wake',
  emotionBar: '{name}: {percent} %',
  amusement: 'amusement', anger: 'anger', awe: 'awe', contentment: 'contentment',
  excitement: 'excitement', fear: 'fear', sadness: 'sadness',
  happy: ['sad', 'rather sad', '', 'rather happy', 'happy'],
  lively: ['calm', 'rather calm', '', 'rather lively', 'lively'],
  and: '{a} and {b}', but: '{a} but {b}',
  onlyHappy: '{a}, neither calm nor lively', onlyLively: '{a}, neither happy nor sad',
  balanced: 'Balanced',
  sure: ['A guess', 'Not very sure', 'Fairly sure', 'Sure'],
  sureLine: '{sure}. Happier than {valence} % of pictures, livelier than {energy} %.',
  linkLine: 'A mood that was sent as a link.',
  planeLabel: 'Plane of moods: {valence} % of the way from sad to happy, {energy} % from calm to lively.',
  planeMoved: 'The sliders aim at {valence} % and {energy} %.',
  planeHappy: 'happy', planeSad: 'sad', planeCalm: 'calm', planeLively: 'lively',
  photo: 'Your photo', photos: 'Your photos', photoOf: 'Photo {n} of {count}',
  addPhoto: 'Add a photo', removePhoto: 'Remove photo {n}',
  songsTitle: '{count} songs for it', songTitle: 'One song for it', noSongs: 'No songs',
  listTools: 'With this list',
  undo: 'Undo', copy: 'Copy', link: 'Link', save: 'Save',
  formatM3u8: 'M3U8 playlist', formatXspf: 'XSPF playlist', formatJspf: 'JSPF playlist', formatCsv: 'CSV table',
  more: 'Ten more songs',
  match: '{percent} % match',
  legend: 'Ring: how near the song lies to the mood. Bars: the song, dashes: the mood.',
  legendFull: 'All of these are nearer than a mood can be read; bars and reasons tell them apart.',
  noteShort: 'Only {count} of {wanted} songs: no more pass the filters.',
  listen: 'Open {title} in Spotify', likeIt: 'More like {title}', lessIt: 'Less like {title}',
  compare: 'Features of {title}',
  likedChip: 'More like: {title}', lessChip: 'Less like: {title}', dropChip: 'Take back: {text}',
  chipsTitle: 'What you asked for',
  featureCaption: 'Features of {title}, with the photo’s mood beside them',
  feature: 'Feature', song: 'Song', mood: 'Photo',
  danceability: 'Danceability', energy: 'Energy', key: 'Key', loudness: 'Loudness', mode: 'Mode',
  speechiness: 'Spoken words', acousticness: 'Acoustic', instrumentalness: 'Instrumental',
  liveness: 'Concert feel', valence: 'Happiness', tempo: 'Tempo', duration_ms: 'Length',
  time_signature: 'Beats a bar',
  ends: {
    valence: ['sad', 'happy'], energy: ['calm', 'lively'], acousticness: ['electric', 'acoustic'],
    danceability: ['still', 'danceable'], instrumentalness: ['sung', 'instrumental'],
    tempo: ['slow', 'fast'], loudness: ['quiet', 'loud'], speechiness: ['melodic', 'wordy'],
    liveness: ['studio', 'concert'],
  },
  tuneTitle: 'Tune it', tuneHint: 'Each slider starts where your photo stands. Drag one: the songs follow.',
  tuneHintLink: 'Each slider starts where the mood stands. Drag one: the songs follow.',
  reset: 'Back to the photo’s mood',
  sliderValue: '{percent} of 100, from {low} to {high}', sliderFrom: '{value}; photo: {photo}',
  moreSliders: 'More sliders',
  filterTitle: 'Only songs…',
  years: 'Years', from: 'from', to: 'to', genres: 'Genres', genresSome: 'Genres: {list}',
  beats: 'Beats a minute', popular: 'Popularity at least', minutes: 'At most minutes',
  variety: 'Variety', varietyEnds: ['alike', 'varied'], familiar: 'Known songs', familiarEnds: ['any', 'famous'],
  season: 'Christmas songs too', clearFilters: 'Clear the filters',
  noneTitle: 'No song passes', noneText: 'No song of the catalogue fits these filters. Loosen one, or clear them.',
  copied: 'The list is on your clipboard.', linkCopied: 'Link copied. It brings these songs back, without the photo.',
  copyFailed: 'The browser did not allow copying.', saved: 'Saved {name}.',
  liked: 'Leaning on {title}.', lessened: 'Less of {title}: its artist and its nearest songs stay away.', undone: 'Undone.',
  linkLabel: 'Songs for a mood: {words}',
  loading: 'Looking at your photo', loadingSlow: 'Still at it: the server is busy or the line is slow.',
  loadingVery: 'This takes unusually long. You can wait, or stop and try again.', cancel: 'Stop',
  ready: '{title}. First: {first}.', updated: 'The list has changed. First: {first}.',
  retry: 'Try again', back: 'Another photo', retryIn: 'Try again in {n} s',
  token: 'Access token', tokenGo: 'Unlock',
  trouble: {
    offline: ['No connection', 'The server cannot be reached. Check the connection and try again.'],
    timeout: ['That took too long', 'The server did not answer in time.'],
    'too-large': ['Too large', 'Please take a smaller picture: at most {megabytes} MB together.'],
    'too-many': ['Too many photos', 'At most {count} photos make one mood.'],
    unsupported: ['Not this kind of file', 'JPEG, PNG, WebP, GIF, TIFF, HEIC and AVIF pictures can be read.'],
    'bad-picture': ['Not a readable picture', 'The file seems damaged, or it is no picture. Try another one.'],
    busy: ['A moment, please', 'Many people are asking just now.'],
    'too-many-requests': ['A moment, please', 'That were many questions in a short time.'],
    unauthorized: ['This server is private', 'Enter the access token you were given.'],
    'bad-argument': ['That did not work', 'The server did not understand the question.'],
    'bad-link': ['This link is incomplete', 'No mood can be read from it. Start with a photo instead.'],
    other: ['Something went wrong', 'It is not your photo. Please try again.'],
  },
  why: {},
};

const de = {
  skip: 'Zum Inhalt springen',
  home: 'dylumo, Startseite',
  newPhoto: 'Neues Foto',
  language: 'Sprache',
  theme_auto: 'Farben: wie das System',
  theme_light: 'Farben: hell',
  theme_dark: 'Farben: dunkel',
  offline: 'Keine Verbindung. Was da ist, bleibt; neue Lieder kommen, sobald sie wieder steht.',
  headline: 'Ein Foto hinein.\nPassende Lieder heraus.',
  lead: 'dylumo liest die Stimmung deines Bildes und findet zehn echte Lieder, die sich so anfühlen.',
  dropHere: 'Foto hier ablegen',
  choose: 'Fotos wählen',
  camera: 'Foto aufnehmen',
  dropHint: 'oder einfügen. Bis zu acht auf einmal werden eine Stimmung.',
  dropNow: 'Loslassen: die Lieder kommen',
  samplesTitle: 'Oder nimm eines von diesen',
  sample: 'Dieses Foto versuchen: {name}',
  sample_cat: 'eine Katze', sample_coffee: 'eine Tasse Kaffee', sample_rocket: 'ein Raketenstart',
  sample_astronaut: 'eine Astronautin', sample_galaxies: 'Galaxien', sample_camera: 'ein Fotograf',
  historyTitle: 'Deine letzten Stimmungen',
  historyHint: 'Nur in diesem Browser gespeichert.',
  historyItem: '{words}, {when}',
  forget: 'Vergessen',
  promise: 'Dein Foto wird nur im Speicher gelesen und nie aufbewahrt.',
  api: 'API',
  about: '{count} Lieder · Modell {model} · Version {version}',
  moodTitle: 'Die Stimmung',
  emotionsTitle: 'Gefühle, die es wecken mag',
  emotionBar: '{name}: {percent} %',
  amusement: 'Vergnügen', anger: 'Zorn', awe: 'Staunen', contentment: 'Zufriedenheit',
  excitement: 'Aufregung', fear: 'Angst', sadness: 'Trauer',
  happy: ['traurig', 'eher traurig', '', 'eher fröhlich', 'fröhlich'],
  lively: ['ruhig', 'eher ruhig', '', 'eher lebhaft', 'lebhaft'],
  and: '{a} und {b}', but: '{a}, aber {b}',
  onlyHappy: '{a}, weder ruhig noch lebhaft', onlyLively: '{a}, weder fröhlich noch traurig',
  balanced: 'Ausgeglichen',
  sure: ['Geraten', 'Nicht sehr sicher', 'Ziemlich sicher', 'Sicher'],
  sureLine: '{sure}. Fröhlicher als {valence} % der Bilder, lebhafter als {energy} %.',
  linkLine: 'Eine Stimmung, die als Link kam.',
  planeLabel: 'Ebene der Stimmungen: {valence} % von traurig nach fröhlich, {energy} % von ruhig nach lebhaft.',
  planeMoved: 'Die Regler zielen auf {valence} % und {energy} %.',
  planeHappy: 'fröhlich', planeSad: 'traurig', planeCalm: 'ruhig', planeLively: 'lebhaft',
  photo: 'Dein Foto', photos: 'Deine Fotos', photoOf: 'Foto {n} von {count}',
  addPhoto: 'Foto dazu', removePhoto: 'Foto {n} entfernen',
  songsTitle: '{count} Lieder dazu', songTitle: 'Ein Lied dazu', noSongs: 'Keine Lieder',
  listTools: 'Mit dieser Liste',
  undo: 'Zurück', copy: 'Kopieren', link: 'Link', save: 'Sichern',
  formatM3u8: 'M3U8-Wiedergabeliste', formatXspf: 'XSPF-Wiedergabeliste', formatJspf: 'JSPF-Wiedergabeliste', formatCsv: 'CSV-Tabelle',
  more: 'Zehn weitere Lieder',
  match: 'passt zu {percent} %',
  legend: 'Ring: wie nah das Lied der Stimmung ist. Balken: das Lied, Striche: die Stimmung.',
  legendFull: 'Alle hier sind näher, als sich eine Stimmung lesen lässt; Balken und Gründe unterscheiden sie.',
  noteShort: 'Nur {count} von {wanted} Liedern: mehr passen nicht durch die Filter.',
  listen: '{title} in Spotify öffnen', likeIt: 'Mehr wie {title}', lessIt: 'Weniger wie {title}',
  compare: 'Merkmale von {title}',
  likedChip: 'Mehr wie: {title}', lessChip: 'Weniger wie: {title}', dropChip: 'Zurücknehmen: {text}',
  chipsTitle: 'Deine Wünsche',
  featureCaption: 'Merkmale von {title}, daneben die Stimmung des Fotos',
  feature: 'Merkmal', song: 'Lied', mood: 'Foto',
  danceability: 'Tanzbarkeit', energy: 'Energie', key: 'Tonart', loudness: 'Lautheit', mode: 'Geschlecht',
  speechiness: 'Sprechanteil', acousticness: 'Akustisch', instrumentalness: 'Instrumental',
  liveness: 'Konzertklang', valence: 'Fröhlichkeit', tempo: 'Tempo', duration_ms: 'Länge',
  time_signature: 'Schläge je Takt',
  ends: {
    valence: ['traurig', 'fröhlich'], energy: ['ruhig', 'lebhaft'], acousticness: ['elektrisch', 'akustisch'],
    danceability: ['still', 'tanzbar'], instrumentalness: ['gesungen', 'instrumental'],
    tempo: ['langsam', 'schnell'], loudness: ['leise', 'laut'], speechiness: ['melodisch', 'wortreich'],
    liveness: ['Studio', 'Konzert'],
  },
  tuneTitle: 'Feiner stimmen', tuneHint: 'Jeder Regler beginnt bei deinem Foto. Zieh einen: die Lieder folgen.',
  tuneHintLink: 'Jeder Regler beginnt bei dieser Stimmung. Zieh einen: die Lieder folgen.',
  reset: 'Zurück zur Stimmung des Fotos',
  sliderValue: '{percent} von 100, von {low} bis {high}', sliderFrom: '{value}; Foto: {photo}',
  moreSliders: 'Mehr Regler',
  filterTitle: 'Nur Lieder …',
  years: 'Jahre', from: 'von', to: 'bis', genres: 'Genres', genresSome: 'Genres: {list}',
  beats: 'Schläge pro Minute', popular: 'Bekanntheit mindestens', minutes: 'Höchstens Minuten',
  variety: 'Abwechslung', varietyEnds: ['ähnlich', 'bunt'], familiar: 'Bekannte Lieder', familiarEnds: ['egal', 'berühmt'],
  season: 'auch Weihnachtslieder', clearFilters: 'Filter löschen',
  noneTitle: 'Kein Lied bleibt übrig', noneText: 'Kein Lied der Sammlung passt zu diesen Filtern. Lockere einen oder lösche sie.',
  copied: 'Die Liste ist in der Zwischenablage.', linkCopied: 'Link kopiert. Er bringt diese Lieder wieder, ohne das Foto.',
  copyFailed: 'Der Browser hat das Kopieren nicht erlaubt.', saved: '{name} gesichert.',
  liked: 'Jetzt näher an {title}.', lessened: 'Weniger wie {title}: seine Künstler und die nächsten Lieder bleiben weg.', undone: 'Zurückgenommen.',
  linkLabel: 'Lieder zu einer Stimmung: {words}',
  loading: 'Dein Foto wird betrachtet', loadingSlow: 'Noch dabei: der Server ist beschäftigt oder die Leitung langsam.',
  loadingVery: 'Das dauert ungewöhnlich lange. Warte noch, oder brich ab und versuche es neu.', cancel: 'Abbrechen',
  ready: '{title}. Zuerst: {first}.', updated: 'Die Liste hat sich geändert. Zuerst: {first}.',
  retry: 'Noch einmal', back: 'Anderes Foto', retryIn: 'Noch einmal in {n} s',
  token: 'Zugangswort', tokenGo: 'Öffnen',
  trouble: {
    offline: ['Keine Verbindung', 'Der Server ist nicht zu erreichen. Prüfe die Verbindung und versuche es noch einmal.'],
    timeout: ['Das dauerte zu lange', 'Der Server hat nicht rechtzeitig geantwortet.'],
    'too-large': ['Zu groß', 'Bitte ein kleineres Bild: zusammen höchstens {megabytes} MB.'],
    'too-many': ['Zu viele Fotos', 'Höchstens {count} Fotos werden eine Stimmung.'],
    unsupported: ['Nicht diese Art Datei', 'Lesbar sind Bilder in JPEG, PNG, WebP, GIF, TIFF, HEIC und AVIF.'],
    'bad-picture': ['Kein lesbares Bild', 'Die Datei ist wohl beschädigt oder kein Bild. Versuche ein anderes.'],
    busy: ['Einen Moment bitte', 'Gerade fragen sehr viele.'],
    'too-many-requests': ['Einen Moment bitte', 'Das waren viele Fragen in kurzer Zeit.'],
    unauthorized: ['Dieser Server ist privat', 'Gib das Zugangswort ein, das du bekommen hast.'],
    'bad-argument': ['Das hat nicht geklappt', 'Der Server hat die Frage nicht verstanden.'],
    'bad-link': ['Dieser Link ist unvollständig', 'Aus ihm lässt sich keine Stimmung lesen. Beginne mit einem Foto.'],
    other: ['Etwas ging schief', 'An deinem Foto liegt es nicht. Bitte noch einmal.'],
  },
  why: {
    'more danceable': 'tanzbarer', 'less danceable': 'weniger tanzbar', livelier: 'lebhafter', calmer: 'ruhiger',
    'higher in key': 'höher in der Tonart', 'lower in key': 'tiefer in der Tonart', louder: 'lauter', softer: 'leiser',
    'more major': 'mehr in Dur', 'more minor': 'mehr in Moll', wordier: 'wortreicher', 'less wordy': 'wortärmer',
    'more acoustic': 'akustischer', 'less acoustic': 'weniger akustisch', 'more instrumental': 'instrumentaler',
    'more sung': 'mehr gesungen', 'more like a concert': 'mehr wie im Konzert', 'more like a studio': 'mehr wie im Studio',
    happier: 'fröhlicher', sadder: 'trauriger', faster: 'schneller', slower: 'langsamer', longer: 'länger', shorter: 'kürzer',
    'with more beats a bar': 'mit mehr Schlägen je Takt', 'with fewer beats a bar': 'mit weniger Schlägen je Takt',
    than: 'als', ofSongs: 'der Lieder', photo: 'Foto', asked: 'gewünscht',
    'in the middle of the catalogue, like the photo\'s mood': 'mitten in der Sammlung, wie die Stimmung des Fotos',
  },
};

export const languages = { en, de };
let current = en;
let code = 'en';

export function setLanguage(wanted) {
  code = languages[wanted] ? wanted : 'en';
  current = languages[code];
  document.documentElement.lang = code;
}

export const language = () => code;

export function raw(key) {
  return current[key] ?? en[key];
}

const whole = (text) => text.replaceAll(' %', '\u00a0%'); /* a number keeps its sign on its line */

export function t(key, values = {}) {
  return whole(String(raw(key) ?? key).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all));
}

/* [title, sentence] for a kind of mistake. */
export function trouble(kind, values = {}) {
  const texts = raw('trouble');
  return (texts[kind] ?? texts.other).map((text) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all));
}

/* Fills data-t (text) and data-label (aria-label) of the page as it stands. */
export function fillTexts(root = document) {
  for (const node of root.querySelectorAll('[data-t]')) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll('[data-label]')) node.setAttribute('aria-label', t(node.dataset.label));
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const fifth = (share) => (share < 0.2 ? 0 : share < 0.4 ? 1 : share <= 0.6 ? 2 : share <= 0.8 ? 3 : 4);

/* The mood in words, by the same fifths as the command's. */
export function moodWords(valence, energy) {
  const a = raw('happy')[fifth(valence)];
  const b = raw('lively')[fifth(energy)];
  if (a && b) return capital(t(valence < 0.5 && energy > 0.5 ? 'but' : 'and', { a, b }));
  if (a) return capital(t('onlyHappy', { a }));
  if (b) return capital(t('onlyLively', { a: b }));
  return t('balanced');
}

export const sureWords = (sure) => raw('sure')[sure < 0.15 ? 0 : sure < 0.35 ? 1 : sure < 0.6 ? 2 : 3];

/* A reason in this language: {text, lang}. What is not known stays English and is marked so. */
export function whyWords(why) {
  const { text, lang } = translated(why);
  return { text: whole(text), lang };
}

/* What the server notes about a list, likewise. */
export function noteWords(note) {
  const found = /^only (\d+) of (\d+) songs: no more pass the filter$/.exec(note);
  return found ? { text: t('noteShort', { count: number(found[1]), wanted: number(found[2]) }), lang: null }
    : { text: note, lang: 'en' };
}

function translated(why) {
  if (!why || code === 'en') return { text: why ?? '', lang: null };
  const words = current.why;
  if (words[why]) return { text: words[why], lang: null };
  const parts = why.split(', ').map((part) => {
    const found = /^(.+) than (\d+) %( of songs)? \((photo|asked): (?:(.+) than )?(\d+) %\)$/.exec(part);
    if (!found || !words[found[1]] || (found[5] && !words[found[5]])) return null;
    const of = found[3] ? ` ${words.ofSongs}` : '';
    const axis = found[5] ? `${words[found[5]]} ${words.than} ` : '';
    return `${words[found[1]]} ${words.than} ${found[2]} %${of} (${words[found[4]]}: ${axis}${found[6]} %)`;
  });
  return parts.every(Boolean) ? { text: parts.join(', '), lang: null } : { text: why, lang: 'en' };
}

export const number = (x, digits = 0) =>
  new Intl.NumberFormat(code, { maximumFractionDigits: digits }).format(x);
export const when = (time) =>
  new Intl.DateTimeFormat(code, { dateStyle: 'medium', timeStyle: 'short' }).format(time);
