"""Names in their own scripts, through the real snakemake to the report."""

import csv
import json
import unicodedata
from pathlib import Path

import pytest
import yaml
from conftest import Once, Snakemake, planned

pytestmark = pytest.mark.workflow

NAMES = {
    # The marks on some are harakat, which are code points of their own; one has a joiner that is
    # not printable and yet part of it.
    "Arabic": """محمد أحمد عبدالله خالد يوسف إبراهيم حسن حسين عمر علي سعيد ناصر فهد سلمان طارق زياد
    مصطفى كريم رشيد جابر هادي ماجد وليد سامي عادل فيصل ياسر بلال حمزة أنس مُحَمَّد عَلِيّ حَسَن عُمَر سَعِيد
    نُور شادي رامي علی‌رضا باسم""",
    "Chinese": """王伟 李娜 张敏 刘洋 陈静 杨帆 赵磊 黄丽 周杰 吴霞 徐强 孙燕 胡军 朱红 高峰
    林芳 何勇 郭涛 马超 罗兰 梁栋 宋佳 郑洁 谢霆 韩雪 唐嫣 冯巩 于谦 董卿 萧红 程颐 曹操 袁泉
    邓超 许晴 傅彪 沈腾 曾黎 彭于晏 吕布 邹凯 贺龙 顾城 毛宁 郝蕾 龚琳 邵逸 万鹏 钱钟 严屹
    覃海 武艺 戴娇 莫言 孔雀 白桦 常昊 康成 史密 江珊 贾玲 侯君 尹正 段奕 雷鸣 黎明 石凉 陶虹
    欧豪 齐溪 温碧 俞灏 舒淇 柯蓝 涂们 桑吉""",
    "Turkish": """Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan
    Kılıç Aslan Çetin Kara Koç Kurt Özkan Şimşek Polat Korkmaz Çakır Erdoğan Güneş Güler Işık
    Bulut Keskin Ünal Turan Gül Avcı Taş Bozkurt Sarı Ateş İnce Tekin Uçar""",
    "Hindi": """शर्मा वर्मा गुप्ता सिंह कुमार यादव मिश्रा पांडेय तिवारी द्विवेदी चतुर्वेदी त्रिपाठी श्रीवास्तव सक्सेना
    अग्रवाल जैन मेहता चौधरी राठौर चौहान ठाकुर पटेल जोशी भट्ट नायर रेड्डी राव दास बोस सेन घोष मुखर्जी
    बनर्जी चटर्जी मल्होत्रा कपूर खन्ना चोपड़ा आहूजा भाटिया""",
}


@pytest.fixture(scope="session")
def experiment(once: Once, snakemake: Snakemake) -> Path:
    def make(folder: Path) -> None:
        (folder / "names").mkdir(parents=True)
        for label, names in NAMES.items():
            (folder / f"names/{label}.txt").write_text("\n".join(names.split()), encoding="utf-8")
        config = {
            "dataset": {"source": "directory", "path": "names", "alphabet": "data"},
            "models": {
                "gru_attention": {"cell": "gru", "readout": "attention", "hidden_size": 8},
                "transformer": {"cell": "transformer", "hidden_size": 8},
            },
            "noise": {"levels": [0, 2], "placement": "scattered", "characters": ".,¿"},
            "seeds": 2,
            "training": {"updates": 400, "record_every": 100},
            "report": {"title": "Names in four scripts"},
        }
        (folder / "my.yaml").write_text(
            yaml.safe_dump(config, allow_unicode=True), encoding="utf-8"
        )
        snakemake(folder, "--configfile", folder / "my.yaml", "--cores", "2")

    return once("scripts", make)


def rows(experiment: Path, table: str) -> list[dict[str, str]]:
    text = (experiment / "results" / table).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def composed(label: str) -> set[str]:
    return {unicodedata.normalize("NFC", name) for name in NAMES[label].split()}


def test_names_are_unchanged_from_the_source_to_the_predictions(experiment: Path) -> None:
    for label in NAMES:
        found = {r["name"] for r in rows(experiment, "dataset/names.csv") if r["language"] == label}
        assert found == composed(label)
    for model in ("gru_attention", "transformer", "ngrams"):
        predicted = rows(experiment, f"evaluation/{model}/noise2-scattered.csv")
        assert {r["name"] for r in predicted if r["language"] == "Hindi"} <= composed("Hindi")
        assert {r["language"] for r in predicted} == set(NAMES)


def test_the_alphabet_is_on_record_everywhere(experiment: Path) -> None:
    results = experiment / "results"
    manifest = json.loads((results / "dataset/manifest.json").read_text(encoding="utf-8"))
    symbols = manifest["alphabet"]["symbols"]
    assert manifest["dropped_characters"] == []
    assert manifest["dropped_lines"] == []
    assert set(symbols) == set("".join(set().union(*map(composed, NAMES)))) | set(".,¿")
    assert manifest["alphabet"]["counts"]["¿"] == 0
    assert manifest["alphabet"]["counts"]["ı"] >= 7
    for record in ("splits/seed0.json", "runs/transformer/noise2-scattered/seed1/run.json"):
        content = json.loads((results / record).read_text(encoding="utf-8"))
        assert content["alphabet"] == symbols
    assert len(symbols) > 255, "so that no index of 8 bits would do"


def test_attention_is_on_letters_with_their_marks(experiment: Path) -> None:
    tables = rows(experiment, "tables/attention_examples.csv")
    characters = {r["character"] for r in tables}
    assert any(len(character) > 1 for character in characters)
    quiet = [r for r in tables if r["tested_at"] == "0"]
    assert not [r for r in quiet if unicodedata.category(r["character"][0]).startswith("M")]
    names: dict[tuple[str, ...], str] = {}
    for r in tables:
        if r["is_noise"] == "0":
            key = (r["trained_at"], r["tested_at"], r["language"], r["name"])
            names[key] = names.get(key, "") + r["character"]
    assert names
    assert all(text == key[-1] for key, text in names.items())


def test_the_report_shows_the_names_and_the_alphabet(experiment: Path) -> None:
    page = (experiment / "results/report.html").read_text(encoding="utf-8")
    assert "otherwise unchanged" in page
    shown = {label: [name for name in composed(label) if f">{name}<" in page] for label in NAMES}
    assert all(shown.values()), shown
    figure = (experiment / "results/figures/attention_examples.svg").read_text(encoding="utf-8")
    last = next(r for r in rows(experiment, "tables/attention_examples.csv") if r["is_noise"] == "0"
                and len(r["character"]) > 1)  # fmt: skip
    assert f">{last['character']}</text>" in figure
    assert "sans-serif" in figure, "the family that a browser takes from where DejaVu has no letter"


def test_different_noise_makes_the_alphabet_again(experiment: Path, snakemake: Snakemake) -> None:
    config = yaml.safe_load((experiment / "my.yaml").read_text(encoding="utf-8"))
    again = experiment / "again.yaml"
    again.write_text(yaml.safe_dump(config | {"report": {"title": "Again"}}), encoding="utf-8")
    assert planned(snakemake(experiment, "--configfile", again, "-n").stdout) == {"report": 1}
    config["noise"]["characters"] = "*"
    again.write_text(yaml.safe_dump(config), encoding="utf-8")
    plan = planned(snakemake(experiment, "--configfile", again, "-n").stdout)
    assert (plan["dataset"], plan["train"]) == (1, 8)
