import type { ErrorTexts } from '../en/errors.ts';

/** What each error of the daemon means, and what to do. A code that is missing does not compile. */
export const errors: ErrorTexts = {
  USAGE: {
    when: 'コマンドまたは要求の形式が正しくありません。',
    next: '下の説明を確認してください。`kame VERB --help` で書式と例を表示できます。',
  },
  INVALID_NAME: {
    when: '名前に使用できない文字があるか、長すぎるか、別のものと紛らわしい名前です。',
    next: '仮想マシンの名前は 1～80 文字 (220 バイト以内) で、文字か数字で始め、文字、数字、空白、ピリオド、ハイフン、下線を使えます。',
  },
  INVALID_VALUE: {
    when: '設定の値が正しくありません。',
    next: '下の説明にある有効な値を指定してください。',
  },
  NO_SUCH_MACHINE: {
    when: 'その名前または ID の仮想マシンはありません。',
    next: '`kame list` で一覧を表示し、`kame register PATH` で追加できます。',
  },
  NO_SUCH_IMAGE: {
    when: 'その ID のイメージはカタログにもキャッシュにもないか、パスが存在しません。',
    next: '`kame image list` でイメージの一覧を表示できます。',
  },
  ALREADY_EXISTS: {
    when: 'その名前またはパスはすでに使われています。',
    next: '別の名前を選ぶか、使っているものを削除してください。',
  },
  WRONG_STATE: {
    when: '仮想マシンの現在の状態では、この操作はできません。',
    next: '`kame show NAME` で状態を確認してください。',
  },
  NO_SUCH_SNAPSHOT: {
    when: 'そのラベル、パス、または UID のスナップショットがないか、同じラベルのものが複数あります。',
    next: '`kame snapshot list NAME` で一覧を表示できます。#UID か /a/b のようなパスで 1 つを指定できます。',
  },
  MOVED_OR_COPIED: {
    when: '一方が Kame の外でコピーされたため、2 台の仮想マシンの UUID が同じです。どちらがコピーかはわかりません。',
    next: 'コピーには --copied を使うと、独自の UUID と MAC アドレスになります。元のものには --moved を使ってください。',
  },
  NO_SUCH_NIC: {
    when: 'その番号のネットワークアダプターはありません。',
    next: '`kame nic list NAME` でアダプターの一覧を表示できます。',
  },
  NO_SUCH_SHARE: {
    when: 'その名前の共有フォルダーはありません。',
    next: '`kame share list NAME` で共有フォルダーの一覧を表示できます。',
  },
  NO_SUCH_NETWORK: {
    when: 'その名前のネットワークはありません。',
    next: '`kame network list` で一覧を表示し、`kame network create NAME` で作成できます。',
  },
  NETWORK_IN_USE: {
    when: '仮想マシンのアダプターが使用しているため、このネットワークは削除も変更もできません。',
    next: '下の説明にあるアダプターを別のネットワークに接続するか、その仮想マシンをシャットダウンしてください。',
  },
  BROKEN_NETWORK: {
    when: 'networks.json のネットワークの項目が壊れているか、矛盾しています。',
    next: '項目を修正してください。`kame network list` で問題を確認できます。',
  },
  PORT_IN_USE: {
    when: 'ホストのそのポートは、別のプログラムまたは転送が使っています。',
    next: 'ホストの別のポートを選ぶか、下の説明にあるプログラムを終了してください。',
  },
  HAS_CLONES: {
    when: 'リンククローンがディスクを必要としているため、削除も移動もできません。',
    next: '下の説明にあるクローンを先に削除するか、完全クローンに置き換えてください。',
  },
  CHECKPOINT_BLOCKED: {
    when: '状態を保存できないデバイスがあるため、サスペンド、インスタントクローン、メモリを含むスナップショットはできません。',
    next: 'デバイスと対処は下の説明にあります。--disk-only のスナップショットや、停止した仮想マシンのスナップショットはいつでも作成できます。',
  },
  CHECKPOINT_MISMATCH: {
    when: '保存されたメモリの状態は、異なるエンジン、マシンタイプ、CPU、アクセラレーター、メモリサイズで作られたか、ファイルが壊れています。',
    next: '下の説明にあるエンジンを使うか、状態を破棄してください。`kame start NAME --discard-state` はディスクから起動します。',
  },
  BUSY: {
    when: '別の操作またはプログラムがこの仮想マシンを使用しています。',
    next: '終わるまで待つか、下の説明にあるプログラムを終了してください。',
  },
  BROKEN_MACHINE: {
    when: '仮想マシンのファイルを読み取れないか、互いに矛盾しています。',
    next: '下の説明に従うか、そこに示されたファイルを修復してください。`kame show NAME` ですべての問題を表示できます。',
  },
  OUTSIDE_FILES: {
    when: '.vmx は、仮想マシンのディレクトリの外にあるファイルをゲストに渡します。これにはまだ同意していません。',
    next: '下の説明にあるファイルを確認してください。この仮想マシンに渡してよければ、`kame register PATH --allow-outside` を実行してください。',
  },
  BAD_IMAGE: {
    when: 'ディスクイメージが空か、途中で切れているか、未知の形式か、ほかのファイルを参照しています。',
    next: '下の説明にあるファイルを、入手元またはバックアップの正しいものに置き換えてください。',
  },
  CHECKSUM_MISMATCH: {
    when: 'ダウンロードしたファイルのチェックサムまたは署名が一致しません。ファイルは破棄されました。',
    next: 'もう一度試してください。続く場合は、配布元か経路で改変されています。使わないでください。',
  },
  DOWNLOAD_FAILED: {
    when: 'ダウンロードが完了しませんでした。',
    next: 'ネットワークを確認して、もう一度実行してください。イメージのダウンロードは途中から再開されます。',
  },
  DISK_FULL: {
    when: 'ホストのディスクの空き容量が足りません。',
    next: '下の説明にあるだけの容量を空けて、もう一度実行してください。作りかけのファイルは残りません。',
  },
  FILE_ACCESS: {
    when: 'ファイルを読み書きできません。',
    next: '下の説明にあるファイルを、特にアクセス権を確認してください。',
  },
  ENGINE_MISSING: {
    when: 'QEMU、そのファームウェア、またはツールがインストールされていません。',
    next: 'Debian と Ubuntu: `apt install qemu-system-arm qemu-system-x86 qemu-utils qemu-efi-aarch64 ovmf`、macOS: `brew install qemu`。',
  },
  ENGINE_TOO_OLD: {
    when: 'QEMU が 7.2 より古いか、Kame に必要な機能なしで作られています。',
    next: 'QEMU 7.2 以降をインストールしてください。',
  },
  ENGINE_FAILED: {
    when: 'QEMU が予期せず終了したか、コマンドを拒否しました。',
    next: '最後の出力は下の説明にあります。`kame logs NAME` で全体を表示できます。',
  },
  ENGINE_TIMEOUT: {
    when: 'QEMU が時間内に応答しませんでした。',
    next: '`kame logs NAME` で理由を調べてください。`kame stop NAME --hard` は QEMU を終了します。',
  },
  HOST_PROBLEM: {
    when: 'Kame に必要なものがホストにないか、許可されていません。',
    next: '下の説明を読んでください。`kame doctor` は必要なものをすべて確認します。',
  },
  DAEMON_UNREACHABLE: {
    when: 'デーモンを起動できないか、応答がありません。',
    next: '`kame daemon status` と、ホームディレクトリの kamed.log で理由を調べてください。',
  },
  GUEST_TIMEOUT: {
    when: 'ゲストが時間内に応答しないか、期待した状態になりませんでした。',
    next: '--timeout を長くしてください。ゲストの様子は `kame console NAME` と `kame screenshot NAME` で見られます。',
  },
  GUEST_AGENT_MISSING: {
    when: 'ゲストエージェントが応答しないか、この操作には古すぎます。',
    next: 'ゲストで qemu-guest-agent をインストールして起動するか、起動が終わるまで待ってください。',
  },
  GUEST_TOOLS_MISSING: {
    when: 'この操作には kame-tools が必要ですが、ゲストで応答していません。',
    next: '`kame tools NAME` は応答するものを表示し、`kame tools install NAME` は kame-tools をインストールします。',
  },
  GUEST_FAILED: {
    when: 'ゲストエージェントまたは kame-tools がコマンドを拒否したか、応答が正しくありません。',
    next: 'ゲストの応答は下の説明にあります。',
  },
  CLIPBOARD_EMPTY: {
    when: 'ゲストのクリップボードが空か、要求した種類のデータがありません。',
    next: '`kame clipboard show NAME` で、入っているデータの種類を確認できます。',
  },
  SIGNED_OUT: {
    when: 'このブラウザーにはデーモンとのセッションがありません。アドレスが使用済みか古すぎるか、セッションが終わりました。',
    next: '`kame open` を実行すると、新しいアドレスが開きます。またはサインインし直してください。',
  },
  NOT_PERMITTED: {
    when: 'Web デスクトップのユーザーの役割では、この操作は許可されていません。',
    next: 'この Kame の所有者に依頼してください。`kame web user set NAME --role ROLE` で、ユーザーにできることを変更できます。',
  },
  WRONG_PASSWORD: {
    when: 'Web デスクトップに、この名前とパスワードの組み合わせはありません。',
    next: '両方を確認してください。`kame web user list` はユーザーの一覧を表示し、`kame web user password NAME` はパスワードを設定します。',
  },
  TOO_MANY_ATTEMPTS: {
    when: '間違ったパスワードが何度も試されたか、同時にサインインする人が多すぎます。',
    next: '下の説明にある時間だけ待って、もう一度試してください。',
  },
  NO_SUCH_USER: {
    when: 'Web デスクトップにその名前のユーザーはいません。',
    next: '`kame web user list` で一覧を表示し、`kame web user add NAME` で追加できます。',
  },
  FORBIDDEN: {
    when: '別の Web ページ、このコンピューターの別のユーザー、または別のホスト名からの要求です。',
    next: '`kame open` を実行し、表示されたアドレスをそのまま使ってください。',
  },
  CANCELLED: {
    when: '操作はキャンセルされ、変更は元に戻されました。',
    next: '繰り返すには、もう一度実行してください。',
  },
  INTERNAL: {
    when: '内部エラーです。Kame の不具合です。',
    next: 'ログ kamed.log を添えて報告してください。',
  },
};
