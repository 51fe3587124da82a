"""Texts that are hard for a tokenizer and a stemmer, the same in every run."""
import random
import unicodedata

STEMS = """abil absorb accept activ add adjust agre allow analog apolog archa argu arsen bat be begg
biolog bless bodi bright buzz call care cat cease chang cheap circl civil clear commun compar conform
connect consign consol content control cri cry danger dead defens depend die differ digit dog dri dy
earl easi effect egg electr emerg engin ensu enthusi even excel exceed fail fall feed feud fli fly form
formal found free gener gentl geolog govern grace great hap happi harm he hop hope horri idl imagin
inning inter irrit kni know la late later law lea li lie logic lov lum ly man mat mate mean mod motor
multi nat nation near neat news obey oper organ out past paste pay pirat play plea please poet polic
polit possess post predic prefer pro proceed psycholog rat ration re reason relat ri rub run sad sens
sensat sensibil sh she ship sing skate ski skis sky spy stor stress succeed sy take tan thing tie tim
toy trad tri triplic ug univers use vainglor val valley vari vile vis want way who wood work x y yell
young zealous""".split()
SUFFIXES = """ s es ed ing ly er ers est y ies ied ying edly eedly eed ingly ness less ful fulness ism
ist ists ogist ogists ize izes izing ization izational ation ational tional ator alism aliti ality al
ally alli anci ancy ance ant ent ment ement ments ement ion ions tion sion enci ency ence iveness ivity
iviti ive ous ously ousli ousness bli bly biliti bility ability able ably ible icate iciti icity ical
ic ics ative logi logies logy 's s' 'd 'll ss us ie ied ee ey ay oy uy ish hood ship ward like""".split()
OTHERS = """naïve café Straße ΟΔΥΣΣΕΥΣ ΣΑΣ Σ ΑΣ1 İstanbul ISTANBUL ıǰ Ǆungla DŽ ﬁn x² ½ Ⅳ ① ٣٤ ৭৮ 中文字 日本語テキスト
한국어 हिन्दी ภาษาไทย हि́ e\u0301te\u0301 _ __init__ snake_case a_b CamelCase foo-bar well-known O'Reilly
don't it's I'm rock'n'roll 3.14 1,000 27.8 C++ C# @user #tag user@example.com https://example.com/a?b=c
\u200bzero\u200cwidth \ufeffbom no\u00a0break \u2028line \u0085next \x1cfs \x1fus tab\tbed new\nline 🙂 a🙂b
ＦＵＬＬｗｉｄｔｈ ΑΒΓς ǅ Ω K Å ẞ ſ ʼn ΐ ᾳ ᾼ ꙮ 𝐁𝐨𝐥𝐝 𐐀𐐨 ª º µ ⅷ Ⅷ ⓐ Ⓐ""".split(" ")
STOPS = "a the of and is not it you're we themselves The AND".split()


def word(random_):
    kind = random_.randrange(20)
    if kind < 13:
        text = random_.choice(STEMS) + random_.choice([""] + SUFFIXES)
        return random_.choice([text, text, text, text.title(), text.upper()])
    if kind < 16:
        return random_.choice(STOPS)
    if kind < 18:
        return random_.choice(OTHERS)
    if kind < 19:
        alphabet = "aeiouybcdfghjklmnpqrstvwxz'Y"
        return "".join(random_.choice(alphabet) for _ in range(random_.randrange(1, 50)))
    return "".join(chr(random_character(random_)) for _ in range(random_.randrange(1, 12)))


def random_character(random_):
    while True:
        c = random_.randrange(random_.choice([0x80, 0x250, 0x600, 0x3000, 0x10000, 0x1F000]))
        # What a later Unicode assigns, an older Python takes for no letter.
        if unicodedata.category(chr(c)) not in ("Cn", "Cs"):
            return c


def texts(n, seed=1):
    random_ = random.Random(seed)
    yield from ["", " ", "the", "?!", "Usain Bolt's top speed reached ~27.8 mph (44.72 km/h)",
                "The   space-time   continuum   WARPS   near   massive   objects..."]
    for _ in range(n):
        words = [word(random_) for _ in range(random_.randrange(1, 40))]
        yield random_.choice([" ", " ", ", ", "\n", "-"]).join(words)
