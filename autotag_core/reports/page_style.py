"""How pages of reports look: light and dark by the reader's own choice, on a desk, on a phone and on paper."""

STYLE = """
:root{color-scheme:light dark;--ink:#1d2127;--soft:#626b78;--page:#fff;--card:#f4f6f8;--line:#dde2e8;--link:#1f63a8;
--good:#1d7a45;--bad:#b3321f}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--soft:#9aa4b2;--page:#14171b;--card:#1e2329;--line:#333b45;
--link:#7db6f0;--good:#63c98c;--bad:#ff8a75}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:64rem;margin:0 auto;
padding:1.2rem 1rem 4rem;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0}h2{font-size:1.25rem;margin:0 0 .3rem}
h3{font-size:1rem;margin:1rem 0 .3rem}
a{color:var(--link)}.soft,figcaption,small{color:var(--soft)}p{margin:.3rem 0 .8rem;max-width:46rem}
section{border-top:1px solid var(--line);padding:1.4rem 0 .6rem}
nav{display:flex;flex-wrap:wrap;gap:.3rem .9rem;font-size:.9rem;margin:.8rem 0 1rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.1rem,1fr));gap:.6rem;margin:1rem 0}
.tile{display:block;background:var(--card);border-radius:.6rem;padding:.7rem .9rem;color:inherit;text-decoration:none}
.tile b{display:block;font-size:1.55rem;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.9rem}.tile small{display:block}
.look{background:var(--card);border-left:4px solid var(--link);border-radius:.3rem;padding:.6rem 1rem;margin:1rem 0}
.look li{margin:.25rem 0}.look .bad{color:var(--bad)}
.look ul{margin:.2rem 0;padding-left:1.2rem}
.gifs{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.6rem,1fr));gap:.7rem;margin:.6rem 0 1rem}
figure{margin:0;background:var(--card);border-radius:.6rem;padding:.5rem;font-size:.85rem;break-inside:avoid}
figure img{display:block;width:100%;height:7rem;object-fit:contain;border-radius:.3rem}
figure .none{height:7rem;overflow:hidden;color:var(--soft);font-size:.75rem}
figcaption b{color:var(--ink);font-weight:600}
.wide{overflow-x:auto;margin:.4rem 0 1rem}
table{border-collapse:collapse;overflow-wrap:break-word;font-variant-numeric:tabular-nums;font-size:.92rem}
th,td{padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;
max-width:40rem}
thead th{color:var(--soft);font-weight:500}.num{text-align:right;white-space:nowrap}
td small{display:block;overflow-wrap:anywhere}.change{color:var(--soft)}
.up{color:var(--good)}.down,.bad{color:var(--bad)}
.chart svg{display:block;width:100%;max-width:31rem;height:auto}.chart text{font-family:inherit!important}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(19rem,100%),1fr));gap:0 2rem}
details{margin:.4rem 0 1rem}summary{cursor:pointer;color:var(--soft);font-size:.9rem}
pre{background:var(--card);border-radius:.4rem;padding:.6rem .8rem;overflow-x:auto;font-size:.8rem;line-height:1.4;
white-space:pre-wrap}
@media print{body{max-width:none;font-size:11px;padding:0}nav,details{display:none}
.tile,figure,.look{border:1px solid #ccc;background:none}section{break-inside:auto}
h2,h3,h4,thead,section>p:first-of-type{break-after:avoid}tr,.card,figure{break-inside:avoid}}
"""
