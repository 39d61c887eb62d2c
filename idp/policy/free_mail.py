"""Free-mail services: who has an address there need not belong to any company."""

from __future__ import annotations

from collections.abc import Collection

_NAMES = frozenset({"gmail", "googlemail", "gmx", "hotmail", "live", "outlook", "yahoo", "ymail", "yandex"})
"""Services that have domains in many countries: gmx.de, gmx.net, hotmail.co.uk."""

_LISTED = """
126.com 139.com 163.com aim.com aol.com aol.de aol.fr aon.at arcor.de att.net bellsouth.net bigpond.com bk.ru
bluemail.ch bluewin.ch btinternet.com charter.net comcast.net cox.net daum.net duck.com earthlink.net email.com
email.cz email.de fastmail.com fastmail.fm foxmail.com free.fr freemail.hu freenet.de hanmail.net hey.com
hispeed.ch home.nl hushmail.com icloud.com inbox.com inbox.lv inbox.ru interia.pl juno.com kpnmail.nl
laposte.net libero.it list.ru mac.com mail.com mail.de mail.ru mailbox.org mailfence.com mailinator.com me.com
msn.com nate.com naver.com neuf.fr noos.fr ntlworld.com o2.pl online.de op.pl orange.es orange.fr outlook.com
pm.me posteo.de posteo.net proton.me protonmail.ch protonmail.com qq.com rambler.ru rediffmail.com
rocketmail.com sapo.pt sbcglobal.net seznam.cz sfr.fr shaw.ca sina.com sky.com skynet.be sohu.com sunrise.ch
sympatico.ca t-online.de talktalk.net telefonica.net telenet.be terra.com.br tin.it tiscali.it tuta.com tuta.io
tutanota.com tutanota.de uol.com.br verizon.net virgilio.it virginmedia.com wanadoo.es wanadoo.fr web.de wp.pl
xs4all.nl xtra.co.nz ziggo.nl zoho.com
"""
_DOMAINS = frozenset(_LISTED.split())


def is_free_mail(domain: str, more: Collection[str] = ()) -> bool:
    """Whether anybody gets an address at this domain: of the known services (some with many countries), or of `more`."""
    if domain in more or domain in _DOMAINS:
        return True
    name, _, rest = domain.partition(".")
    return name in _NAMES and rest.count(".") <= 1
