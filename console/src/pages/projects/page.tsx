/* projects - the folders that runs work on: all of them beside the details of one. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { get } from '../../api/client';
import { useLoad } from '../../api/load';
import { may } from '../../api/session';
import { useQuery, type PageProps } from '../../router';
import { Button } from '../../ui/button';
import { Empty } from '../../ui/empty';
import { SearchBox } from '../../ui/field';
import { useKeys } from '../../ui/keys';
import { List } from '../../ui/list';
import { PageHead } from '../../ui/page_head';
import { Problem } from '../../ui/problem';
import { Skeleton } from '../../ui/progress';
import { Split } from '../../ui/split';
import { t as shared } from '../../ui/strings';
import { Code, Text } from '../../ui/text';
import { Add } from './add';
import { Details } from './details';
import { t } from './strings';

export default function Projects(_: PageProps): JSX.Element {
    const [text, setText] = useQuery('q'), [picked, pick] = useQuery('project');
    const [adds, setAdds] = useState(false);
    const search = useRef<HTMLInputElement>(null);
    const projects = useLoad(signal => get('/projects', { query: { limit: 500 }, signal }), [], 10_000);
    const all = projects.data.value?.items, wanted = text.toLowerCase();
    const found = (all ?? []).filter(one => !wanted || one.name.toLowerCase().includes(wanted) || one.root_path.toLowerCase().includes(wanted));
    const chosen = found.find(one => one.id === picked || one.name === picked) ?? found[0];
    const mayAdd = may('project:write');
    useKeys('page', {
        '/': [shared('search'), () => search.current?.focus()],
        ...(mayAdd ? { n: [t('add'), () => setAdds(true)] } : {}),
    });
    const add = mayAdd && <Button kind="primary" hint="n" onClick={() => setAdds(true)}>{t('add')}</Button>;
    return <>
        <PageHead title={t('title')} actions={all && all.length > 0 && add}>
            {all && all.length > 0 && <SearchBox value={text} onInput={setText} label={t('filter')} inputRef={search} />}</PageHead>
        <Problem of={projects.error.value} onRetry={() => void projects.reload()} />
        {!all ? !projects.error.value && <Skeleton />
            : chosen ? <Split name="projects" start={360} of={chosen.id} first={<List items={found} keyOf={one => one.id}
                selected={chosen.id} label={t('title')} class="projects" onSelect={one => one && pick(one.id)} onOpen={one => pick(one.id)}
                row={one => <><span class="clip"><Text of={one.name} /></span>
                    <span class="small faint projects-path clip"><Code of={one.root_path} /></span></>} />}
                second={<Details key={chosen.id} id={chosen.id} onGone={() => { pick(''); void projects.reload(); }} />} />
                : text ? <Empty icon="projects" title={t('no_match')} action={<Button onClick={() => setText('')}>{shared('clear')}</Button>} />
                    : <Empty icon="projects" title={t('none')} action={add}>{t('none_hint')}</Empty>}
        {adds && <Add onClose={() => setAdds(false)} onAdded={id => { setText(''); void projects.reload().then(() => pick(id)); }} />}
    </>;
}
